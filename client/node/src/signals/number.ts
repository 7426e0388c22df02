/** Numbers as responses write them: no sign, no exponent, no space, 1 to 15 digits before the dot. */

const DIGITS = /^[0-9]{1,15}$/;
const DECIMAL = /^([0-9]{1,15})(?:\.([0-9]+))?$/;
/** No unit is longer than a day, which so many decimals resolve to well below a nanosecond. */
const DECIMALS_MAX = 20;

/** Returns the count of digits. */
export function integer(text: string): number | undefined {
  return DIGITS.test(text) ? Number(text) : undefined;
}

/** Returns so many units in nanoseconds. What is finer is cut off. */
export function scaled(text: string, unitNs: bigint): bigint | undefined {
  const match = DECIMAL.exec(text);
  if (match === null) return undefined;
  const [, whole = "", decimals = ""] = match;
  const fraction = decimals.slice(0, DECIMALS_MAX);
  return BigInt(whole) * unitNs + (BigInt(fraction) * unitNs) / 10n ** BigInt(fraction.length);
}
