/** What the monitor answers: asked once, or told after each of its looks. */

/** Return the answer of the API. Raises Error with the monitor's sentence. */
export async function ask(path, options = {}) {
  const signals = [AbortSignal.timeout(options.timeout ?? 15000), options.signal].filter(Boolean);
  const answer = await fetch(`api/v1/${path}`, { ...options, signal: AbortSignal.any(signals) });
  const told = await answer.json().catch(() => ({ error: answer.statusText }));
  if (!answer.ok) throw new Error(told.error ?? answer.statusText);
  return told;
}

/** Return what an error of `ask` tells people. What fetch itself says of a server that is away differs by browser. */
export const sentence = (error) => (error instanceof TypeError ? "the monitor does not answer" : error.message);

/** Return the path of what a record's position or a name says, whatever characters it has. */
export const path = (...parts) => parts.flatMap((part) => part.split("/")).map(encodeURIComponent).join("/");

/** Put letters back, or only try to. Raises Error with the monitor's sentence. */
export function redrive(token, wanted) {
  return ask("dead-letters/redrive", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify(wanted),
    timeout: 600000,
  });
}

const PAUSE_MS = 2000;

/**
 * Call `onOverview` after each look, `onFailure` with a sentence while there is none, for as long as the page is open.
 *
 * Where the stream is cut, the overview is asked for every few seconds until the stream is back.
 */
export function follow({ onOverview, onFailure }) {
  let source = null;
  let asking = 0;

  const poll = async () => {
    try {
      onOverview(await ask("overview"));
    } catch (error) {
      onFailure(sentence(error));
    }
    if (source.readyState === EventSource.CLOSED) listen();
  };
  const listen = () => {
    source?.close();
    source = new EventSource("api/v1/stream");
    source.addEventListener("open", () => {
      clearInterval(asking);
      asking = 0;
    });
    source.addEventListener("overview", (event) => onOverview(JSON.parse(event.data)));
    source.addEventListener("failure", (event) => onFailure(JSON.parse(event.data).error));
    source.addEventListener("error", () => {
      if (asking) return;
      asking = setInterval(poll, PAUSE_MS);
      poll();
    });
  };
  listen();
}
