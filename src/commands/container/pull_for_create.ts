import type { CommandContext } from "../context.ts";
import type { CreateFlagValues } from "./create_flags.ts";
import { progressView } from "../image/progress_view.ts";
import { displayName, pullShowing, pullTarget } from "../image/pull_output.ts";
import { authFor } from "../config/registry_auth.ts";

/** Pulls the image that a container is to be made of. `why`: one that is missing is told of, as docker does. */
export async function pullForCreate(
  { engine, terminal }: CommandContext,
  image: string,
  why: "wanted" | "missing",
  { quiet, platform }: Pick<CreateFlagValues, "quiet" | "platform">,
): Promise<void> {
  // It may take minutes, and programs that know passwords.
  terminal.host?.needProcess();
  const { reference } = pullTarget(image);
  if (why === "missing" && !quiet) {
    await terminal.err(`Unable to find image '${displayName(reference)}' locally\n`);
  }
  const show = quiet ? {} : { show: await progressView(terminal, "stderr") };
  const auth = await authFor(terminal, reference);
  await pullShowing(engine, reference, { platform, auth, ...show });
}
