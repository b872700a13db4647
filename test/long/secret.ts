/** The contents that a killed log erases; apart, because the child has no test runner around it. */

/** Content `n`: small ones lie inside a page, large ones over many. */
export function secretOf(n: number): string {
  return `secret ${n} ${`of somebody ${n}, `.repeat(n % 3 === 0 ? 2_000 : 3)}`;
}
