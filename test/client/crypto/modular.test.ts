import fc from "fast-check";
import { expect, test } from "vitest";
import { invert, modulo } from "../../../client/crypto/modular.ts";

const P = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

test("every number below each small prime times its inverse is 1", () => {
  for (const m of [2n, 3n, 5n, 7n, 31n, 257n, 509n])
    for (let a = 1n; a < m; a++) expect((a * invert(a, m)) % m).toBe(1n);
});

test("numbers at the edges of what leading bits can tell have their inverse", () => {
  for (const m of [P, N])
    for (let bit = 0n; bit < 256n; bit++)
      for (const a of [2n ** bit - 1n, 2n ** bit, 2n ** bit + 1n, m - 2n ** bit, m >> bit]) {
        if (a <= 0n || a >= m) continue;
        const inverse = invert(a, m);
        expect((a * inverse) % m).toBe(1n);
        expect(inverse > 0n && inverse < m).toBe(true);
      }
});

test("any number has its inverse, modulo primes of many lengths", () => {
  const primes = [2n ** 61n - 1n, 2n ** 89n - 1n, 2n ** 107n - 1n, 2n ** 127n - 1n, P, N];
  fc.assert(
    fc.property(fc.constantFrom(...primes), fc.bigInt({ min: 1n, max: 2n ** 300n }), (m, value) => {
      const a = value % m;
      if (a !== 0n) expect((a * invert(a, m)) % m).toBe(1n);
    }),
    { numRuns: 2_000 },
  );
});

test("a remainder is never negative", () => {
  expect([-7n, -5n, 0n, 3n, 5n, 7n].map((value) => modulo(value, 5n))).toEqual([
    3n,
    0n,
    0n,
    3n,
    0n,
    2n,
  ]);
});
