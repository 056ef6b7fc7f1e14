// Messages between the page and a worker: {id, kind, …} is a request, {id, …} or {id, error} its response.

// Return a function that sends {kind, …} to `port` and returns the answer; `serve` answers the other side's.
export function connect(port, serve) {
  const waiting = new Map();
  let count = 0;
  port.onmessage = async ({ data: { id, ...message } }) => {
    if (message.kind) {
      const answer = await serve(message).catch((error) => (console.error(error), { error: error.message }));
      return port.postMessage({ ...answer, id });
    }
    const [done, fail] = waiting.get(id);
    waiting.delete(id);
    if (message.error) fail(new Error(message.error));
    else done(message);
  };
  port.onerror = ({ message = "a script does not run" }) => {
    waiting.forEach(([, fail]) => fail(new Error(message)));
    waiting.clear();
  };
  return (message) => new Promise((done, fail) => {
    waiting.set(++count, [done, fail]);
    port.postMessage({ ...message, id: count });
  });
}
