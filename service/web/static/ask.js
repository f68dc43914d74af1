// Answers as they are found. Without this script the form is sent, and the page comes whole.

const form = document.querySelector("#ask");
const results = document.querySelector("#results");
const status = document.querySelector("#status");
let running = null;
let seen = location.search;

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    const whole = buffer.split("\n\n");
    buffer = whole.pop();
    for (const event of whole) {
      const lines = event.split("\n");
      const field = (name) =>
        lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
      if (field("data")) yield { name: field("event"), data: JSON.parse(field("data")) };
    }
  }
}

// Answers that stay keep their place in the page, so that a reader does not lose his.
function show(html) {
  const next = document.createElement("template");
  next.innerHTML = html;
  const before = new Map([...results.querySelectorAll("[data-key]")].map((one) => [one.dataset.key, one]));
  for (const answer of next.content.querySelectorAll("[data-key]")) {
    const known = before.get(answer.dataset.key);
    if (!known) answer.classList.add("arrives");
    else if (known.outerHTML === answer.outerHTML) answer.replaceWith(known);
  }
  const focused = document.activeElement?.closest("[data-key]")?.dataset.key;
  results.replaceChildren(next.content);
  if (focused) results.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
}

// A press on what is replaced before it is let go is no click, so what comes meanwhile waits.
let letGo = Promise.resolve();
results.addEventListener("pointerdown", () => {
  letGo = new Promise((go) => {
    for (const end of ["pointerup", "pointercancel"])
      addEventListener(end, () => setTimeout(go), { once: true });
  });
});

function busy(is) {
  results.setAttribute("aria-busy", String(is));
  status.classList.toggle("busy", is);
  if (!is) results.classList.remove("stale");
}

function failed(text) {
  const notice = document.createElement("section");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  const said = document.createElement("p");
  said.textContent = text;
  notice.append(said);
  results.replaceChildren(notice);
  status.textContent = "";
}

async function ask(query) {
  running?.abort();
  const mine = (running = new AbortController());
  document.body.classList.remove("start");
  status.textContent = "Reading.";
  results.classList.add("stale");
  busy(true);
  try {
    const response = await fetch(`/ask/stream?${query}`, { signal: mine.signal });
    const kind = response.headers.get("content-type") ?? "";
    if (response.status === 401) return location.assign(`/?${query}`);
    if (kind.startsWith("text/event-stream")) {
      for await (const { name, data } of events(response.body)) {
        await letGo;
        if (mine !== running) return;
        results.classList.remove("stale");
        show(data.html);
        status.textContent = data.status;
        if (name !== "partial") busy(false);
      }
    } else if (kind.startsWith("text/html")) {
      show(await response.text());
      status.textContent = "";
    } else failed((await response.json()).detail);
  } catch (error) {
    if (error.name === "AbortError") return;
    failed("The server cannot be reached, or has stopped. Ask again in a moment.");
  } finally {
    if (mine === running) busy(false);
  }
}

function query() {
  const filled = [...new FormData(form)].filter(([, value]) => value.trim() !== "");
  return new URLSearchParams(filled).toString();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = query();
  seen = `?${asked}`;
  history.pushState(null, "", `/${seen}`);
  const question = form.elements.q.value.trim();
  document.title = `${question} – Pincite`;
  document.querySelector("h1").textContent = question;
  ask(asked);
});

// Back to another question; not so within the page, to what a link in it leads to.
addEventListener("popstate", () => {
  if (location.search !== seen) location.reload();
});
