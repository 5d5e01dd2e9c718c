import { defineCommand } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { removingNot } from "../wrong_object_hint.ts";
import { forEachTarget } from "./for_each_target.ts";

/** `tsd rm`. */
export const rm = defineCommand({
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {
    force: { type: "bool", short: "f", help: "Force the removal of a running container (uses SIGKILL)" },
    link: {
      ...{ type: "refused", short: "l", hidden: true, takesValue: false },
      help: "there are no links between containers",
    },
    volumes: { type: "bool", short: "v", help: "Remove anonymous volumes associated with the container" },
  },
  examples: [{ line: "rm -f web", note: "Kill and remove a container" }],
  async run({ terminal, engine }: CommandContext, { args, flags }) {
    // With -f, a container that doesn't exist counts as removed.
    const forgives = ({ meaning }: { meaning: { http: number } }) => flags.force && meaning.http === 404;
    const remove = (name: string) =>
      removingNot("image", engine, name, () => engine.containers.get(name).remove(flags));
    return await forEachTarget(terminal, args, remove, { forgives });
  },
});
