/** Parses devices on the command line: device nodes for the container, and limits on the host's block devices. */
import type { DeviceMapping, ThrottleDevice, WeightDevice } from "../../api_types/mod.ts";
import { UsageError } from "../../cli/mod.ts";
import { readBytes, readUint } from "./flag_values.ts";
import { cleanPath } from "./host_path.ts";

const DEVICE_RULE = /^[acb] ([0-9]+|\*):([0-9]+|\*) [rwm]{1,3}$/;
const WEIGHTS = { min: 10, max: 1000 };
const BYTES_FORMAT = "<device-path>:<number>[<unit>]. Number must be a positive integer. " +
  "Unit is optional and can be kb, mb, or gb";
const OPERATIONS_FORMAT = "<device-path>:<number>. Number must be a positive integer";

/** Parses `HOST[:CONTAINER][:rwm]` of `--device`. @throws {UsageError} */
export function parseDevice(text: string): DeviceMapping {
  const parts = text.split(":");
  if (parts.length > 3 || parts[0] === "") throw new UsageError(`bad format for path: ${text}`);
  const [host, second, third] = parts;
  const onlyMode = third === undefined && second !== undefined && isMode(second);
  const target = onlyMode || second === undefined ? host : second;
  if (third !== undefined && !isMode(third)) throw new UsageError(`bad mode specified: ${third}`);
  if (!target.startsWith("/")) throw new UsageError(`${target} is not an absolute path`);
  const PathInContainer = third === undefined ? cleanPath(target) : target;
  return {
    PathOnHost: target === host ? PathInContainer : host,
    PathInContainer,
    CgroupPermissions: third ?? (onlyMode ? second : "rwm"),
  };
}

/** Returns whether a mode is valid: each of r, w and m at most once. */
const isMode = (text: string): boolean => /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;

/** Validates a device cgroup rule such as `c 10:* rwm`. @throws {UsageError} */
export function checkDeviceRule(text: string): string {
  if (DEVICE_RULE.test(text)) return text;
  throw new UsageError(`invalid device cgroup format '${text}'`);
}

/** Parses a rate in bytes per second: `/dev/sda:1mb`. @throws {UsageError} */
export function parseByteRate(text: string): ThrottleDevice {
  return parseRate(text, readBytes, BYTES_FORMAT);
}

/** Parses a rate in operations per second: `/dev/sda:1000`. @throws {UsageError} */
export function parseOperationRate(text: string): ThrottleDevice {
  return parseRate(text, readUint, OPERATIONS_FORMAT);
}

/** Parses a device's relative I/O weight: `/dev/sda:500`. @throws {UsageError} */
export function parseWeight(text: string): WeightDevice {
  const [path, value] = splitDevice(text);
  const weight = Number(/^\d{1,5}$/.test(value) ? value : NaN);
  if (!(weight === 0 || (weight >= WEIGHTS.min && weight <= WEIGHTS.max))) {
    throw new UsageError(`invalid weight for device: ${text}`);
  }
  return { Path: path, Weight: weight };
}

function parseRate(text: string, read: (value: string) => number, format: string): ThrottleDevice {
  const [path, value] = splitDevice(text);
  try {
    return { Path: path, Rate: read(value) };
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    throw new UsageError(`invalid rate for device: ${text}. The correct format is ${format}`);
  }
}

function splitDevice(text: string): [path: string, value: string] {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new UsageError(`bad format: ${text}`);
  const path = text.slice(0, colon);
  if (!path.startsWith("/dev/")) throw new UsageError(`bad format for device path: ${text}`);
  return [path, text.slice(colon + 1)];
}
