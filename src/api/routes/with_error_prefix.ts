import { prefixed } from "../../errors.ts";

/** Does something; errors are prefixed with what was attempted, in Docker's words. */
export async function withErrorPrefix<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw prefixed(what, thrown);
  }
}
