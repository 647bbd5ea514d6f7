import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFileSystemGap, gapOf } from "../../../src/storage/embedded/file-system.ts";

test.each([
  ["NFS", 0x6969, "another's word"],
  ["CIFS", 0xff534d42, "another's word"],
  ["CIFS", 0xff534d42 | 0, "another's word"],
  ["9p", 0x01021997, "another's word"],
  ["FUSE", 0x65735546, "another's word"],
  ["tmpfs", 0x01021994, "ends with the power"],
  ["overlayfs", 0x794c7630, "ends with the container"],
])("%s (%i) keeps nothing for certain", (fileSystem, type, advice) => {
  expect(gapOf(type)).toEqual({ fileSystem, advice: expect.stringContaining(advice) });
});

test.each([
  ["ext4", 0xef53],
  ["XFS", 0x58465342],
  ["Btrfs", 0x9123683e],
  ["ZFS", 0x2fc12fc1],
  ["APFS of a Mac, by its number there", 0x1a],
])("%s is taken for a disk", (_, type) => {
  expect(gapOf(type)).toBeUndefined();
});

test("a folder is asked for what it is on", async () => {
  const directory = await mkdtemp(join(tmpdir(), "oauth-token-service-disk-"));
  try {
    expect((await findFileSystemGap(directory))?.fileSystem).toBeOneOf([undefined, "tmpfs", "overlayfs"]);
    await expect(findFileSystemGap(join(directory, "none"))).rejects.toMatchObject({ code: "ENOENT" });
  } finally {
    await rm(directory, { recursive: true });
  }
});
