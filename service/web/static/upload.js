// The page of an upload goes on by itself while files are taken in.

import { say } from "./page.js";

const files = document.querySelector("#files");
const address = `/uploads/${encodeURIComponent(files.dataset.upload)}/files`;
const events = new EventSource(`/v1/jobs/${encodeURIComponent(files.dataset.upload)}/events`);

async function refresh() {
  const response = await fetch(address);
  if (response.ok) files.innerHTML = await response.text();
}

events.addEventListener("job", refresh);
events.addEventListener("progress", (event) => {
  const at = JSON.parse(event.data);
  const state = files.querySelector(`[data-file="${at.number}"] .state`);
  if (state && at.stage === "embed") state.textContent = `${at.passages} of ${at.total} passages`;
});
events.addEventListener("done", async () => {
  events.close();
  await refresh();
  document.querySelector("#said").classList.remove("busy");
  say("The upload is over.");
});
