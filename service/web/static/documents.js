// Files are added as they are chosen or dropped, each with its progress. Without this script the
// form sends them, and a page tells what became of them.

import { say } from "./page.js";

const form = document.querySelector("#upload");
const input = form.querySelector("input[type=file]");
const list = document.querySelector("#progress");
const collection = encodeURIComponent(form.dataset.collection);
const STAGES = { extract: () => "is being read", embed: (at) => `${at.passages} of ${at.total} passages`, store: () => "is being stored" };
const STATUSES = JSON.parse(form.dataset.statuses);
const MOST_TRIES = 5;

let queue = Promise.resolve();
let waiting = 0;

for (const hint of form.querySelectorAll(".with-script")) hint.hidden = false;
form.querySelector("button").hidden = true;

class Row {
  constructor(name) {
    this.item = document.createElement("li");
    this.name = document.createElement("span");
    this.name.className = "name";
    this.name.textContent = name;
    this.state = document.createElement("span");
    this.state.className = "state";
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.bar.setAttribute("aria-label", name);
    this.item.append(this.name, " ", this.state, this.bar);
    list.append(this.item);
  }
  told(text, done = null) {
    this.state.textContent = text;
    if (done === null) this.bar.removeAttribute("value");
    else this.bar.value = done;
  }
  over(text, good, reasons = []) {
    this.bar.remove();
    this.state.textContent = text;
    this.state.classList.add(good ? "good" : "bad");
    for (const reason of reasons) {
      const line = document.createElement("p");
      line.className = "reason";
      line.textContent = reason;
      this.item.append(line);
    }
    say(`${this.name.textContent}: ${[text, ...reasons].join(". ")}`);
  }
}

function post(file, name, row) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, name);
    request.open("POST", `/v1/documents?collection=${collection}`);
    request.responseType = "json";
    request.upload.onprogress = (event) =>
      row.told("is being sent", event.lengthComputable ? event.loaded / event.total : null);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new Error("The server cannot be reached."));
    request.send(body);
  });
}

async function sent(file, name, row) {
  for (let tries = 1; ; tries++) {
    const { status, response, ...request } = await post(file, name, row).then((one) => ({
      status: one.status,
      response: one.response,
      wait: Number(one.getResponseHeader("Retry-After")),
    }));
    if (status < 300) return response;
    if (![429, 503].includes(status) || tries === MOST_TRIES)
      throw new Error(response?.detail ?? `The server answered ${status}.`);
    row.told("waits for its turn");
    await new Promise((go) => setTimeout(go, 1000 * Math.max(1, request.wait)));
  }
}

function followed(job, row) {
  return new Promise((resolve, reject) => {
    const events = new EventSource(`/v1/jobs/${encodeURIComponent(job.id)}/events`);
    events.addEventListener("progress", (event) => {
      const at = JSON.parse(event.data);
      row.told(STAGES[at.stage](at), at.stage === "embed" && at.total ? at.passages / at.total : null);
    });
    events.addEventListener("done", (event) => {
      events.close();
      resolve(JSON.parse(event.data));
    });
    // It tries again by itself while the server is only gone for a moment.
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED)
        reject(new Error("What becomes of it is not told any more; load this page again."));
    });
  });
}

function add(file, name = file.name) {
  const row = new Row(name);
  row.told("waits for its turn");
  waiting++;
  queue = queue.then(async () => {
    try {
      const accepted = await sent(file, name, row);
      row.told("waits for its turn");
      const job = await followed(accepted, row);
      const outcomes = job.files.flatMap((one) => one.outcomes);
      const reasons = outcomes.filter((one) => one.reason).map((one) => one.reason);
      const whole = outcomes.find((one) => one.status !== "failed") ?? outcomes[0];
      row.over(STATUSES[whole?.status] ?? job.state, job.state === "done", reasons);
    } catch (error) {
      row.over("failed", false, [error.message]);
    }
    if (--waiting === 0) await refresh();
  });
}

// The list below shows what has come in.
async function refresh() {
  const response = await fetch(location.href);
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  document.querySelector("#documents").replaceWith(fresh.querySelector("#documents"));
}

input.addEventListener("change", () => {
  for (const file of input.files) add(file);
  input.value = "";
});
form.addEventListener("submit", (event) => event.preventDefault());

let depth = 0;
const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (holdsFiles(event) && depth++ === 0) form.classList.add("over");
});
addEventListener("dragleave", (event) => {
  if (holdsFiles(event) && --depth === 0) form.classList.remove("over");
});
addEventListener("dragover", (event) => {
  if (holdsFiles(event)) event.preventDefault();
});
addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  depth = 0;
  form.classList.remove("over");
  // Entries are to be taken at once: afterwards what was dropped cannot be asked any more.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (entries.every((entry) => entry === null))
    for (const file of event.dataTransfer.files) add(file);
  for (const entry of entries) if (entry) unfold(entry);
});

// A folder that is dropped gives its files, each under its path. What the browser cannot read has
// failed, and the others are added all the same.
async function unfold(entry) {
  const name = entry.fullPath.replace(/^\//, "");
  try {
    if (entry.isFile) {
      add(await new Promise((go, fail) => entry.file(go, fail)), name);
      return;
    }
    const reader = entry.createReader();
    for (;;) {
      const inside = await new Promise((go, fail) => reader.readEntries(go, fail));
      if (!inside.length) return;
      for (const one of inside) await unfold(one);
    }
  } catch (error) {
    new Row(name).over("failed", false, [error.message]);
  }
}
