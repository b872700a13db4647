/**
 * The policy that a time stamp names.
 *
 * @module
 */

/**
 * The policy named in a token where the operator names none. 2.999 is the arc that ITU-T X.660 sets
 * aside for examples: a token has to name a policy, and no published one is claimed.
 */
export const DEFAULT_POLICY = "2.999";
