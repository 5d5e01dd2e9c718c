import { isTsdError } from "../../errors.ts";

/** After these what a pull has brought in so far is worth keeping: nothing was wrong with it, nor is its place needed. */
const PASSING = [
  ...["cancelled", "timeout", "unauthorized"] as const,
  ...["registry_unreachable", "registry_denied", "registry_protocol"] as const,
];

/** Whether a pull that failed like this could go on another time. */
export const isResumable = (thrown: unknown): boolean => isTsdError(thrown, ...PASSING);
