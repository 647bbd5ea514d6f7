import { writeSync } from "node:fs";
import { Socket } from "node:net";
import type { Writable } from "node:stream";
import { WriteStream } from "node:tty";

/** Where lines go without making anybody wait: what nobody reads is given up, and counted. */
export interface LineOutput {
  /** Never blocks and never throws. The line has its end. */
  write(line: string): void;
  /** Lines given up so far. */
  dropped(): number;
  /** Waits until everything is read or given up, or for that long. */
  flush(timeoutMs: number): Promise<void>;
}

/** What waits for a slow reader. Some 5,000 lines: longer than a reader pauses, less than a process misses. */
const maxBufferedBytes = 1024 * 1024;

/** Standard output, whatever it is. `onLoss` is told once it flows again how many lines were given up meanwhile. */
export function standardOutput(onLoss: (lines: number) => void): LineOutput {
  const stdout: Writable = process.stdout;
  if (!(stdout instanceof Socket)) return fileOutput(1, onLoss);
  // Node waits for the readers of terminals, and a terminal can be stopped. It has no other name for this.
  if (stdout instanceof WriteStream) (stdout as Terminal)._handle?.setBlocking?.(false);
  return streamOutput(stdout, onLoss);
}

type Terminal = WriteStream & { readonly _handle?: { setBlocking?(blocking: boolean): void } };

/** From a full buffer on everything is given up until the reader has caught up, or for good once it has left. */
export function streamOutput(stream: Writable, onLoss: (lines: number) => void): LineOutput {
  const loss = countLoss(onLoss);
  let full = false;
  let gone = false;
  stream.on("drain", () => {
    full = false;
    loss.tell();
  });
  // EPIPE, above all. Whoever read the log is gone, which ends no service.
  stream.on("error", () => {
    gone = true;
  });

  return {
    write(line) {
      full ||= stream.writableLength + line.length > maxBufferedBytes;
      if (full || gone) loss.count();
      else stream.write(line);
    },
    dropped: loss.total,
    flush(timeoutMs) {
      if (gone || stream.writableLength === 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        // After everything before it; with an error where the stream broke.
        stream.write("", () => {
          clearTimeout(timer);
          resolve();
        });
      });
    },
  };
}

/** A file takes what it is given, unless its disk is full: the lines that come meanwhile are given up. */
export function fileOutput(
  fd: number,
  onLoss: (lines: number) => void,
  append: (fd: number, bytes: Uint8Array) => number = writeSync,
): LineOutput {
  const loss = countLoss(onLoss);

  return {
    write(line) {
      try {
        for (let rest = Buffer.from(line); rest.length > 0; ) rest = rest.subarray(append(fd, rest));
      } catch {
        return loss.count();
      }
      loss.tell();
    },
    dropped: loss.total,
    flush: () => Promise.resolve(),
  };
}

function countLoss(onLoss: (lines: number) => void) {
  let lost = 0;
  let told = 0;
  return {
    count: () => void lost++,
    total: () => lost,
    /** Tells of what was lost since the last time. */
    tell() {
      const lines = lost - told;
      told = lost;
      if (lines > 0) onLoss(lines);
    },
  };
}
