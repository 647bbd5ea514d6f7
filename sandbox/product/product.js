// What Planner does in the browser: each "Connect" opens the platform in a window, by the service's popup helper.

const { connect } = await import(document.querySelector("main").dataset.helper);

for (const form of document.querySelectorAll('form[action^="/connect/"]')) watch(form);

function watch(form) {
  const button = form.querySelector("button");
  const state = form.querySelector(".state");
  const sentences = {
    opened: "Go on in the window that has opened.",
    at_platform: `Waiting for you at ${form.dataset.label}.`,
    finishing: "Almost done.",
    connected: "Connected.",
    denied: "You did not approve it. Nothing was connected.",
    failed: "That did not work. Nothing was connected: try again.",
    expired: "That took too long. Nothing was connected: try again.",
    abandoned: "The window was closed. Nothing was connected: try again.",
    blocked: "Your browser did not let a window open. Press again, to go on in this one.",
  };
  const say = (text) => {
    state.textContent = text;
  };

  /** The next press goes on in this window, by the link that is still unused. */
  let unused;
  /** Asked for before the press, so that the window opens within it: browsers block what opens long after one. */
  let prepared;
  const prepare = () => {
    prepared ??= post(form.action).then(({ link }) => link);
    prepared.catch(() => undefined);
  };
  form.addEventListener("pointerenter", prepare);
  form.addEventListener("focusin", prepare);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      if (unused !== undefined) await connect({ link: unused, mode: "redirect" });
      else await openWindow();
    } catch (error) {
      say(`${error.message}. Try again.`);
    }
    button.disabled = false;
  });

  async function openWindow() {
    prepare();
    const asked = prepared;
    prepared = undefined;
    const link = await asked;
    const outcome = await connect({ link, onStatus: (status) => say(sentences[status] ?? status) });
    if (outcome.status === "blocked") unused = link;
    if (outcome.status !== "connected") return say(outcome.message ?? sentences[outcome.status]);
    // Without a code the window itself went to our backend with it.
    if (outcome.completionCode !== undefined) await post("/complete", { completion_code: outcome.completionCode });
    location.assign("/");
  }
}

async function post(path, fields = {}) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  const message = await answer.json();
  if (!answer.ok) throw new Error(message.error);
  return message;
}
