import { expect, test } from "vitest";
import { freePort } from "../../rig/free-port.ts";
import { startApp } from "../../src/app/start-app.ts";
import { useService } from "./support/use-service.ts";

const shared = useService();

/** What a start with another database fails with. */
async function failure(change: (url: URL) => void): Promise<string> {
  const { service } = shared;
  const url = new URL(service.databaseUrl);
  change(url);
  const port = await freePort();
  const config = service.config({ DATABASE_URL: url.href, PORT: String(port) });
  const message = await startApp(config, service.world).then(
    async (app) => {
      await app.close();
      return "started";
    },
    (error: Error) => error.message,
  );
  await expect(fetch(`http://127.0.0.1:${port}/health`)).rejects.toThrow();
  return message;
}

test.concurrent("a start without a database that answers fails within seconds, and says where it was looked for", async () => {
  const port = await freePort();
  const message = await failure((url) => {
    url.port = String(port);
  });
  const { pathname, password } = new URL(shared.service.databaseUrl);
  expect(message).toContain(`host 127.0.0.1, port ${port}, database ${pathname.slice(1)}`);
  expect(message).toContain("ECONNREFUSED");
  expect(message).toContain("DATABASE_URL");
  expect(message).not.toContain(password);
});

test.concurrent.each([
  ["a wrong password", { password: "wrong-password" }, /28P01.*password/],
  ["a database that does not exist", { pathname: "/no-such-database" }, /3D000.*no such database/],
])("a start with %s fails at once, and says so", async (_what, change, said) => {
  const message = await failure((url) => void Object.assign(url, change));
  expect(message).toMatch(said);
  expect(message).not.toContain("wrong-password");
});

test.each([
  ["public", "PORT", "HOST"],
  ["internal", "INTERNAL_PORT", "INTERNAL_HOST"],
  ["grpc", "GRPC_PORT", "INTERNAL_HOST"],
] as const)("a start whose %s listener cannot have its address says why, and what to set", async (name, port, host) => {
  const { service } = shared;
  const start = (address: string) => {
    const config = service.config({ PORT: "0", INTERNAL_PORT: "0", GRPC_PORT: "0" });
    return startApp({ ...config, [name]: { ...config[name], host: address, port: 0 } }, service.world);
  };
  await expect(start("192.0.2.1")).rejects.toThrow(
    `cannot listen on 192.0.2.1:0 (${port}): this machine does not have that address: set ${host} to one that it has`,
  );
  await expect(start("nowhere.invalid")).rejects.toThrow(
    `cannot listen on nowhere.invalid:0 (${port}): that name does not resolve: set ${host} to an address of this machine`,
  );
});

test("five replicas that start at once on an empty database all serve", async () => {
  const { service, sql } = shared;
  const replicas = await Promise.all(Array.from({ length: 5 }, () => service.startReplica({})));
  const answers = await Promise.all(replicas.map(({ internalUrl }) => fetch(`${internalUrl}/health?full=1`)));
  expect(answers.map(({ status }) => status)).toEqual(new Array(5).fill(200));
  expect(await sql`select 1 from installations`).toHaveLength(0);
});
