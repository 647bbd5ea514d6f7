import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultMinTtlMs, isAlive, livesLongEnough, refreshTime } from "../../../src/domain/model/token.ts";

const day = 86_400_000;
const epoch = Date.UTC(2026, 0, 1);
const at = (ms: number) => new Date(epoch + ms);
const anyMs = fc.integer({ min: -day, max: 400 * day });
const ttl = fc.oneof(fc.constant(0), fc.constant(defaultMinTtlMs), fc.nat(400 * day));
const life = fc.record({ issued: fc.option(anyMs, { nil: undefined }), expires: anyMs });
const jitter = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

function token({ issued, expires }: { issued: number | undefined; expires: number | undefined }) {
  return {
    issuedAt: issued === undefined ? undefined : at(issued),
    expiresAt: expires === undefined ? undefined : at(expires),
  };
}

describe("living long enough", () => {
  test("is never said of a token that has ended, whatever is asked for", () => {
    fc.assert(
      fc.property(life, anyMs, ttl, (one, now, minTtl) => {
        if (livesLongEnough(token(one), at(now), minTtl)) expect(isAlive(token(one), at(now))).toBe(true);
      }),
    );
    expect(livesLongEnough(token({ issued: 0, expires: 1_000 }), at(1_000), 0)).toBe(false);
  });

  test("is said of every token with the time that is asked for left", () => {
    fc.assert(
      fc.property(
        fc.option(anyMs, { nil: undefined }),
        anyMs,
        fc.integer({ min: 1, max: 400 * day }),
        (issued, now, left) => {
          const one = token({ issued, expires: now + left });
          expect(livesLongEnough(one, at(now), left)).toBe(true);
        },
      ),
    );
  });

  test("is said of a shorter life only in a token's first minute", () => {
    fc.assert(
      fc.property(life, anyMs, ttl, (one, now, minTtl) => {
        const short = one.expires - now < minTtl;
        if (!short || !livesLongEnough(token(one), at(now), minTtl)) return;
        expect(one.issued).toBeDefined();
        expect(now - (one.issued ?? 0)).toBeLessThan(60_000);
      }),
    );
    const brief = token({ issued: 0, expires: 300_000 });
    expect(livesLongEnough(brief, at(59_999), day)).toBe(true);
    expect(livesLongEnough(brief, at(60_000), day)).toBe(false);
  });

  test("asking for less never loses a token", () => {
    fc.assert(
      fc.property(life, anyMs, ttl, ttl, (one, now, a, b) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        if (livesLongEnough(token(one), at(now), more)) expect(livesLongEnough(token(one), at(now), less)).toBe(true);
      }),
    );
  });

  test("is said of every token without an end", () => {
    const forever = token({ issued: undefined, expires: undefined });
    expect([livesLongEnough(forever, at(400 * day), 1e15), isAlive(forever, at(400 * day))]).toEqual([true, true]);
  });
});

describe("the time to refresh", () => {
  test("lies between 45 and 55 percent of the life, and before its end", () => {
    fc.assert(
      fc.property(anyMs, fc.integer({ min: 1_000, max: 400 * day }), jitter, (issued, lifeMs, random) => {
        const when = refreshTime(token({ issued, expires: issued + lifeMs }), random);
        const part = ((when?.getTime() ?? 0) - epoch - issued) / lifeMs;
        expect(part).toBeGreaterThanOrEqual(0.45 - 0.001);
        expect(part).toBeLessThan(0.55 + 0.001);
      }),
    );
  });

  test("spreads for tokens of the same moment", () => {
    const hour = token({ issued: 0, expires: 3_600_000 });
    expect(refreshTime(hour, 0)).toEqual(at(27 * 60_000));
    expect(refreshTime(hour, 0.5)).toEqual(at(30 * 60_000));
  });

  test("is never for a token whose life is not known", () => {
    expect(refreshTime(token({ issued: 0, expires: undefined }), 0)).toBeUndefined();
    expect(refreshTime(token({ issued: undefined, expires: 5 }), 0)).toBeUndefined();
  });
});
