/** For tests only: where a driver under test has its folder. */
import "../../sys/preopen.ts";
import { removeDir } from "../directory_driver/clearing.ts";

/** A folder that goes with all that is in it. */
export interface TestDir extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryDir(): Promise<TestDir> {
  const path = await Deno.makeTempDir({ prefix: "tsd-store-" });
  return { path, [Symbol.asyncDispose]: () => removeDir(path) };
}
