/** For tests only: where a driver under test has its folder. */
import "../../sys/preopen.ts";
import { removeFolder } from "../directory_driver/clearing.ts";

/** A folder that goes with all that is in it. */
export interface TestPlace extends AsyncDisposable {
  readonly path: string;
}

export async function temporaryPlace(): Promise<TestPlace> {
  const path = await Deno.makeTempDir({ prefix: "tsd-store-" });
  return { path, [Symbol.asyncDispose]: () => removeFolder(path) };
}
