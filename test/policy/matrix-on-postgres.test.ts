import { afterAll } from "vitest";
import { openTestStorage } from "../support/domain.ts";
import { describeMatrix } from "./matrix.ts";

const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
});

describeMatrix(async () => {
  const { storage, close } = await openTestStorage();
  closing.push(close);
  return storage;
});
