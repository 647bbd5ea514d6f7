import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { Database, Queries } from "../../src/storage/database.ts";
import { createSelectById } from "../../src/storage/installations/select-by-id.ts";
import type { Sealer } from "../../src/storage/seal/sealer.ts";

test("statements of visibilities that are asked for no more are forgotten, while their connections stay", async () => {
  const made: WeakRef<object>[] = [];
  const query = {
    from: () => query,
    leftJoin: () => query,
    where: () => query,
    prepare: () => {
      const statement = { execute: async () => [] };
      made.push(new WeakRef(statement));
      return statement;
    },
  };
  const connections = { select: () => query } as unknown as Queries;
  const read: Database["read"] = (work) => work(connections);
  const select = createSelectById({ read }, {} as Sealer);
  for (let n = 0; n < 600; n++) {
    const owner = `owner-${n}`;
    const visible = { key: owner, rules: [{ products: "all" as const, owners: [owner] }] };
    expect(await select("7f0c1f3e-6c1e-4d0e-9c53-1f6f3f3a2b10", visible)).toEqual([]);
  }
  expect(made).toHaveLength(600);

  setFlagsFromString("--expose-gc");
  // What a WeakRef was asked for, or made of, lives until the end of the turn.
  await new Promise(setImmediate);
  runInNewContext("gc")();
  expect(made.filter((statement) => statement.deref() !== undefined).length).toBeLessThan(300);
});
