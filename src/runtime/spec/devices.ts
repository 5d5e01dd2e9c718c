/**
 * @module
 * Generates the device nodes of a container and the rules of its devices cgroup (runtime-spec `config-linux.md`,
 * "Devices"). The runtime itself creates the standard nodes (null, zero, full, random, urandom, tty, console, ptmx).
 */
import { TsdError } from "../../errors.ts";
import type { ContainerDevice } from "./input.ts";
import type { OciDevice, OciDeviceRule } from "./oci.ts";

const character = (major: number, minor: number): OciDeviceRule => ({
  allow: true,
  type: "c",
  major,
  minor,
  access: "rwm",
});

/** Denies all devices but zero, null, urandom, random, tty and console. */
const DEFAULT_RULES: readonly OciDeviceRule[] = [
  { allow: false, access: "rwm" },
  character(1, 5),
  character(1, 3),
  character(1, 9),
  character(1, 8),
  character(5, 0),
  character(5, 1),
];

const RULE = /^([acb]) (\d{1,9}|\*):(\d{1,9}|\*) ([rwm]{1,3})$/;

/** The input of {@link deviceRules}. */
export interface DeviceAccess {
  readonly privileged: boolean;
  readonly devices?: readonly ContainerDevice[];
  readonly deviceCgroupRules?: readonly string[];
}

/** Returns the rules of the devices cgroup, in the order in which they are applied. */
export function deviceRules({ privileged, devices = [], deviceCgroupRules = [] }: DeviceAccess): OciDeviceRule[] {
  if (privileged) return [{ allow: true, access: "rwm" }];
  const ofDevices = devices.map(({ type, major, minor, access }) => ({ allow: true, type, major, minor, access }));
  return [...DEFAULT_RULES, ...ofDevices, ...deviceCgroupRules.map(parseDeviceRule)];
}

/** Returns the nodes in OCI form. */
export function deviceNodes(devices: readonly ContainerDevice[]): OciDevice[] {
  return devices.map(({ access: _, ...node }) => node);
}

/** Parses a rule of the form `c 10:* rwm`. @throws {TsdError} invalid_argument with Docker's text */
export function parseDeviceRule(rule: string): OciDeviceRule {
  const match = RULE.exec(rule);
  if (!match) throw new TsdError("invalid_argument", `invalid device cgroup rule format: '${rule}'`);
  const [, type, major, minor, access] = match;
  return {
    allow: true,
    type: type as "a" | "b" | "c",
    ...numbered("major", major),
    ...numbered("minor", minor),
    access,
  };
}

const numbered = (field: string, text: string) => text === "*" ? {} : { [field]: Number(text) };
