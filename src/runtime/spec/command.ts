/**
 * @module
 * The command line of a container from its image's and its own entry point and command.
 */
import { TsdError } from "../../errors.ts";

/** Entry point and command of an image or of a container; left out means "not set". */
export interface CommandParts {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
}

/**
 * Joins an image's defaults and a container's wishes as Docker does: an entry point of the container's own also
 * discards the image's command, and `[""]` takes the image's entry point away.
 */
export function mergeCommand(image: CommandParts, container: CommandParts): Required<CommandParts> {
  const entrypointOf = container.entrypoint ?? [];
  const subcommand = container.cmd ?? [];
  const cmd = entrypointOf.length === 0 && subcommand.length === 0 ? image.cmd ?? [] : subcommand;
  const entrypoint = container.entrypoint ?? image.entrypoint ?? [];
  const reset = entrypoint.length === 1 && entrypoint[0] === "";
  return { entrypoint: reset ? [] : entrypoint, cmd };
}

/** The arguments of the container's process. @throws invalid_argument when there is nothing to run */
export function processArgs(image: CommandParts, container: CommandParts): string[] {
  const { entrypoint, cmd } = mergeCommand(image, container);
  const args = [...entrypoint, ...cmd];
  if (args.length === 0) throw new TsdError("invalid_argument", "no command specified");
  return args;
}
