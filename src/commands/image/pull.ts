import { defineCommand, StatusError } from "../../cli/mod.ts";
import { canonicalName, canonicalString } from "../../image/reference.ts";
import type { CommandContext } from "../context.ts";
import { authFor } from "../config/registry_auth.ts";
import { progressView } from "./progress_view.ts";
import { pullShowing, pullTarget } from "./pull_output.ts";

/** `tsd pull`. */
export const pull = defineCommand({
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  args: { min: 1, max: 1 },
  flags: {
    "all-tags": { type: "bool", short: "a", help: "Download all tagged images in the repository" },
    "disable-content-trust": { type: "bool", default: true, help: "Skip image verification (default true)" },
    platform: { type: "string", help: "Pull for this platform (os/arch/variant) if the image has several" },
    quiet: { type: "bool", short: "q", help: "Suppress verbose output" },
  },
  examples: [
    { line: "pull alpine", note: "The newest alpine from Docker Hub" },
    { line: "pull -a localhost:5000/team/app", note: "Every tag of a repository" },
    { line: "pull localhost:5000/team/app:1.2", note: "From a registry on this machine" },
  ],
  async run({ terminal, engine }: CommandContext, { args: [name], flags }) {
    const { reference, addedTag } = pullTarget(name);
    const allTags = flags["all-tags"];
    if (allTags && !addedTag) throw new StatusError("tag can't be used with --all-tags/-a");
    if (!flags["disable-content-trust"]) {
      throw new StatusError("content trust (signatures of Notary v1) is not supported: digests are always verified");
    }
    const auth = await authFor(terminal, reference);
    if (addedTag && !allTags && !flags.quiet) await terminal.out(`Using default tag: ${reference.tag}\n`);
    const show = flags.quiet ? {} : { show: await progressView(terminal, "stdout") };
    await pullShowing(engine, reference, { platform: flags.platform, auth, allTags, ...show });
    await terminal.out(`${allTags ? canonicalName(reference) : canonicalString(reference)}\n`);
    return 0;
  },
});
