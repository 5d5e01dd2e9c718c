/**
 * @module
 * Limits on block devices in the OCI form (runtime-spec `config-linux.md`, "Block IO"). Devices are named by path until a
 * container starts, since their numbers may be others then.
 */
import { TsdError } from "../../errors.ts";
import type { DeviceLimit, DeviceNumbers, ResourceLimits } from "./input.ts";
import type { OciBlockIo, OciThrottle } from "./oci.ts";

const WEIGHTS = { min: 10, max: 1000 };

/** The kinds of limits: where they are asked for, and what they are in the OCI form. */
const THROTTLES = [
  ["blkioReadBps", "throttleReadBpsDevice"],
  ["blkioWriteBps", "throttleWriteBpsDevice"],
  ["blkioReadIops", "throttleReadIOPSDevice"],
  ["blkioWriteIops", "throttleWriteIOPSDevice"],
] as const;

/** @throws {TsdError} invalid_argument with Docker's texts */
export function validateBlockIo({ blkioWeight = 0, blkioWeightDevices = [] }: ResourceLimits): void {
  if (isWrong(blkioWeight)) throw new TsdError("invalid_argument", "Range of blkio weight is from 10 to 1000");
  const wrong = blkioWeightDevices.find(({ value }) => isWrong(value));
  if (wrong !== undefined) {
    throw new TsdError("invalid_argument", `invalid weight for device: ${wrong.path}:${wrong.value}`);
  }
}

const isWrong = (weight: number): boolean => weight !== 0 && (weight < WEIGHTS.min || weight > WEIGHTS.max);

/** Paths of all devices that are limited, each once. */
export function limitedDevices(limits: ResourceLimits): string[] {
  const all = [limits.blkioWeightDevices, ...THROTTLES.map(([field]) => limits[field])];
  return [...new Set(all.flatMap((each) => each ?? []).map(({ path }) => path))];
}

/** @param numbers of the devices by path; one that is not in it is left out */
export function ociBlockIo(
  limits: ResourceLimits,
  numbers: ReadonlyMap<string, DeviceNumbers>,
): OciBlockIo | undefined {
  const { blkioWeight: weight = 0 } = limits;
  const known = <T>(given: readonly DeviceLimit[] | undefined, make: (device: DeviceNumbers, value: number) => T) =>
    (given ?? []).flatMap(({ path, value }) => {
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
