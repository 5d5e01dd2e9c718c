import { isTsdError } from "../../errors.ts";

/** Errors after which the content fetched so far is kept: it is not damaged, and its disk space is not needed. */
const TRANSIENT = [
  ...["cancelled", "timeout", "unauthorized"] as const,
  ...["registry_unreachable", "registry_denied", "registry_protocol"] as const,
];

/** Returns whether a pull that failed with this error can be resumed later. */
export const isResumable = (thrown: unknown): boolean => isTsdError(thrown, ...TRANSIENT);
