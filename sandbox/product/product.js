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

  /** Good once. Asked for before the press, since browsers open a window in the press itself, and after a wait no more. */
  let link;
  let mode = "popup";
  let asked;
  const prepare = () => {
    asked ??= post(form.action).then((answer) => {
      link = answer.link;
    });
    return asked;
  };
  const prepareQuietly = () => prepare().catch(() => undefined);
  form.addEventListener("pointerenter", prepareQuietly);
  form.addEventListener("focusin", prepareQuietly);

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      if (link === undefined) await prepare();
      await connectBy(link);
    } catch (error) {
      asked = undefined;
      say(`${error.message}. Try again.`);
    }
    button.disabled = false;
  });

  async function connectBy(used) {
    const outcome = await connect({ link: used, mode, onStatus: (status) => say(sentences[status] ?? status) });
    if (outcome.status === "blocked") {
      mode = "redirect";
      return;
    }
    link = undefined;
    asked = undefined;
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
