/**
 * @module
 * Limits of block devices in OCI form (runtime-spec `config-linux.md`, "Block IO"). Devices are identified by path
 * until the container starts, since their numbers may change until then.
 */
import { TsdError } from "../../errors.ts";
import type { DeviceLimit, DeviceNumbers, ResourceLimits } from "./input.ts";
import type { OciBlockIo, OciThrottle } from "./oci.ts";

const WEIGHTS = { min: 10, max: 1000 };

/** The kinds of throttles: the field of the input and the field of the OCI form. */
const THROTTLES = [
  ["blkioReadBps", "throttleReadBpsDevice"],
  ["blkioWriteBps", "throttleWriteBpsDevice"],
  ["blkioReadIops", "throttleReadIOPSDevice"],
  ["blkioWriteIops", "throttleWriteIOPSDevice"],
] as const;

/** Validates weights. @throws {TsdError} invalid_argument with Docker's texts */
export function validateBlockIo({ blkioWeight = 0, blkioWeightDevices = [] }: ResourceLimits): void {
  if (isOutOfRange(blkioWeight)) throw new TsdError("invalid_argument", "Range of blkio weight is from 10 to 1000");
  const invalid = blkioWeightDevices.find(({ value }) => isOutOfRange(value));
  if (invalid !== undefined) {
    throw new TsdError("invalid_argument", `invalid weight for device: ${invalid.path}:${invalid.value}`);
  }
}

const isOutOfRange = (weight: number): boolean => weight !== 0 && (weight < WEIGHTS.min || weight > WEIGHTS.max);

/** Returns the paths of all limited devices, without duplicates. */
export function limitedDevices(limits: ResourceLimits): string[] {
  const all = [limits.blkioWeightDevices, ...THROTTLES.map(([field]) => limits[field])];
  return [...new Set(all.flatMap((each) => each ?? []).map(({ path }) => path))];
}

/**
 * Converts limits of block devices to OCI.
 * @param numbers the device numbers by path; devices that are not in it are omitted
 */
export function ociBlockIo(
  limits: ResourceLimits,
  numbers: ReadonlyMap<string, DeviceNumbers>,
): OciBlockIo | undefined {
  const { blkioWeight: weight = 0 } = limits;
  const known = <T>(limited: readonly DeviceLimit[] | undefined, make: (device: DeviceNumbers, value: number) => T) =>
    (limited ?? []).flatMap(({ path, value }) => {
      const device = numbers.get(path);
      return device === undefined ? [] : [make(device, value)];
    });
  const weightDevice = known(limits.blkioWeightDevices, (device, value) => ({ ...device, weight: value }));
  const throttles = THROTTLES.map(([field, name]): [string, OciThrottle[]] => [
    name,
    known(limits[field], (device, rate) => ({ ...device, rate })),
  ]);
  const blockIo: OciBlockIo = {
    ...weight > 0 ? { weight } : {},
    ...weightDevice.length > 0 ? { weightDevice } : {},
    ...Object.fromEntries(throttles.filter(([, list]) => list.length > 0)),
  };
  return Object.keys(blockIo).length === 0 ? undefined : blockIo;
}
