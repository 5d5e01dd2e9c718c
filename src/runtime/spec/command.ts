/**
 * @module
 * Determines the command line of a container from the entry point and command of its image and its configuration.
 */
import { TsdError } from "../../errors.ts";

/** Entry point and command of an image or a container. Undefined means not set. */
export interface CommandParts {
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
}

/**
 * Merges an image's defaults with a container's settings as Docker does: an entry point of the container also discards
 * the image's command, and the entry point `[""]` removes the image's.
 */
export function mergeCommand(image: CommandParts, container: CommandParts): Required<CommandParts> {
  const entrypointOf = container.entrypoint ?? [];
  const subcommand = container.cmd ?? [];
  const cmd = entrypointOf.length === 0 && subcommand.length === 0 ? image.cmd ?? [] : subcommand;
  const entrypoint = container.entrypoint ?? image.entrypoint ?? [];
  const isReset = entrypoint.length === 1 && entrypoint[0] === "";
  return { entrypoint: isReset ? [] : entrypoint, cmd };
}

/** Returns the arguments of the container's process. @throws {TsdError} invalid_argument, if there are none */
export function processArgs(image: CommandParts, container: CommandParts): string[] {
  const { entrypoint, cmd } = mergeCommand(image, container);
  const args = [...entrypoint, ...cmd];
  if (args.length === 0) throw new TsdError("invalid_argument", "no command specified");
  return args;
}
