/** Names of volumes, and the label of anonymous ones. */
import { TsdError } from "../../errors.ts";
import type { VolumeRecord } from "../../store/volume_records.ts";

/** The label that Docker sets on anonymous volumes, which `prune` removes. */
export const ANONYMOUS_LABEL = "com.docker.volume.anonymous";
/** Maximum length of a file name on Linux, in bytes. */
const NAME_MAX_BYTES = 255;
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export const isAnonymous = ({ labels }: Pick<VolumeRecord, "labels">): boolean =>
  Object.hasOwn(labels ?? {}, ANONYMOUS_LABEL);

/** Validates a volume name. @throws {TsdError} invalid_argument, with Docker's texts */
export function checkVolumeName(name: string): void {
  const why = nameProblem(name);
  if (why !== undefined) throw new TsdError("invalid_argument", `create ${name}: ${why}`);
}

function nameProblem(name: string): string | undefined {
  if (new TextEncoder().encode(name).length === 1) {
    return "volume name is too short, names should be at least two alphanumeric characters";
  }
  if (!NAME.test(name)) {
    return `${JSON.stringify(name)} includes invalid characters for a local volume name, only ` +
      '"[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path';
  }
  return name.length > NAME_MAX_BYTES ? `volume name is longer than ${NAME_MAX_BYTES} characters` : undefined;
}
