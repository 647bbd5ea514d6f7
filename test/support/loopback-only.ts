// A call that bypasses the injected fetch must not reach a real platform.
const realFetch = globalThis.fetch;
if (realFetch.name !== "loopbackOnly") {
  globalThis.fetch = function loopbackOnly(input, init) {
    const url = new URL(input instanceof Request ? input.url : input);
    if (!["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)) {
      throw new Error(`a test tried to reach ${url.hostname}`);
    }
    return realFetch(input, init);
  };
}
