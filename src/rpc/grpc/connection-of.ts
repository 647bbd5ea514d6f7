/** What stands for the connection of a call, which grpc-js does not show: its socket. Undefined once that is gone. */
export function connectionOf(call: object): object | undefined {
  const path = ["call", "stream", "session", "socket"];
  return path.reduce<object | undefined>((place, name) => {
    const next: unknown = place === undefined ? undefined : Reflect.get(place, name);
    return typeof next === "object" && next !== null ? next : undefined;
  }, call);
}
