// What every page does: keys, copying, and verdicts on answers.

const typing = (target) =>
  target instanceof HTMLElement && target.closest("input, select");

export function say(text) {
  const status = document.querySelector("#said") ?? document.querySelector("#status");
  if (status) status.textContent = text;
}

// `/` goes to the question; j and k, or the arrows, go from answer to answer.
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    const question = document.querySelector("#q");
    if (question) question.select();
    else location.assign(document.querySelector("a.mark").href);
    return;
  }
  const at = document.activeElement?.closest("[data-step]");
  const down = event.key === "j" || (at && event.key === "ArrowDown");
  const up = event.key === "k" || (at && event.key === "ArrowUp");
  if (!down && !up && !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
  const steps = [...document.querySelectorAll("[data-step]")];
  if (steps.length && (down || up)) {
    event.preventDefault();
    const next = at ? steps.indexOf(at) + (down ? 1 : -1) : down ? 0 : steps.length - 1;
    steps[Math.max(0, Math.min(next, steps.length - 1))].focus();
    return;
  }
  const forward = event.key === "j" || event.key === "ArrowRight";
  const link = document.querySelector(forward ? "a[data-next]" : "a[data-previous]");
  // Within what scrolls sideways, the arrows scroll.
  if (link && !(event.key.startsWith("Arrow") && document.activeElement?.closest("[data-scrolls]")))
    link.click();
});

// Enter on an answer opens it in its source.
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches?.("[data-step]"))
    event.target.querySelector("a.source")?.click();
});

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  if (await copied(source.textContent)) say(`${button.dataset.name} copied.`);
  else {
    // Without a secure address there is no clipboard: the text is selected, to be copied by hand.
    source.closest("details")?.setAttribute("open", "");
    getSelection().selectAllChildren(source);
    say("Selected; copy it with Ctrl+C.");
  }
});

for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;

addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-verdict]")) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const words = event.submitter.textContent.toLowerCase();
  for (const button of form.querySelectorAll("button")) button.disabled = true;
  let kept = false;
  let instead = "try again";
  try {
    const response = await fetch(form.action, { method: "POST", body, redirect: "manual" });
    kept = response.type === "opaqueredirect";
    if (response.status === 409) instead = "another text stands there now. Ask again";
  } catch {
    // The server cannot be reached; that is said below.
  }
  if (kept) {
    const thanks = document.createElement("span");
    thanks.textContent = `Noted as ${words}. Thank you.`;
    form.replaceChildren(thanks);
  } else for (const button of form.querySelectorAll("button")) button.disabled = false;
  say(kept ? `The answer is noted as ${words}.` : `That could not be noted; ${instead}.`);
});
