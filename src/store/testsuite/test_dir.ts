/** For tests only: directories for drivers under test. */
import "../../sys/preopen_testing.ts";
import { removeDir } from "../directory_driver/clearing.ts";

/** A directory that is deleted with its content on disposal. */
export interface TestDir extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDir(): Promise<TestDir> {
  const path = await Deno.makeTempDir({ prefix: "tsd-store-" });
  return { path, [Symbol.asyncDispose]: () => removeDir(path) };
}
