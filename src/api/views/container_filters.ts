/**
 * @module
 * `GET /containers/json?filters=`: values of one key are alternatives, keys must all hold.
 */
import type { Container } from "../../engine/containers/container.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { requestedMounts } from "../../engine/containers/mounts.ts";

/** What values may need to know of other things. */
export interface FilterContext {
  /** The container that `before` and `since` name. @throws {TsdError} container_not_found */
  find(nameOrId: string): Container;
  /** The id of the image that `ancestor` names, if there is one. */
  imageId(name: string): string | undefined;
}

type Test = (container: Container, value: string, context: FilterContext) => boolean;

const STATUSES = new Set(["created", "restarting", "running", "removing", "paused", "exited", "dead"]);

const TESTS: Readonly<Record<string, Test>> = {
  id: ({ id }, value) => id.startsWith(value),
  name: ({ name }, value) => pattern(value).test(name) || pattern(value).test(`/${name}`),
  label: ({ record }, value) => hasLabel(record.config.Labels ?? {}, value),
  status: ({ state }, value) => state.status === checkedStatus(value),
  exited: ({ state }, value) => state.status === "exited" && state.exitCode === wholeNumber("exited", value),
  ancestor: ({ record }, value, { imageId }) => record.imageId === imageId(value),
  before: ({ createdMs }, value, { find }) => createdMs < find(value).createdMs,
  since: ({ createdMs }, value, { find }) => createdMs > find(value).createdMs,
  volume: ({ record }, value) =>
    requestedMounts(record.hostConfig).some(({ mount }) =>
      mount.target === value || (mount.kind !== "tmpfs" && mount.source === value)
    ),
  network: ({ record }, value) => (record.hostConfig.NetworkMode || "default") === value,
  health: (_, value) => value === "none",
  // No port is published or exposed to a network yet, and nothing is a swarm's.
  publish: () => false,
  expose: ({ record }, value) =>
    Object.keys(record.config.ExposedPorts ?? {}).some((port) => port.split("/")[0] === value.split("/")[0]),
  "is-task": (_, value) => value === "false" || value === "0",
};

/** The keys that are understood. */
export const CONTAINER_FILTER_KEYS = Object.keys(TESTS);

/** Whether a container passes. @throws {TsdError} invalid_argument, container_not_found */
export function passesFilters(container: Container, filters: Filters, context: FilterContext): boolean {
  return [...filters].every(([key, values]) =>
    values.length === 0 ||
    (key === "label"
      ? values.every((value) => TESTS.label(container, value, context))
      : values.some((value) => TESTS[key](container, value, context)))
  );
}

/** `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf("=");
  if (at < 0) return wanted in labels;
  return labels[wanted.slice(0, at)] === wanted.slice(at + 1);
}

function pattern(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch (cause) {
    throw new TsdError("invalid_argument", `invalid filter 'name=${value}': not a regular expression`, { cause });
  }
}

function checkedStatus(value: string): string {
  if (!STATUSES.has(value)) throw new TsdError("invalid_argument", `invalid filter 'status=${value}'`);
  return value;
}

function wholeNumber(key: string, value: string): number {
  if (!/^-?\d+$/.test(value)) throw new TsdError("invalid_argument", `invalid filter '${key}=${value}'`);
  return Number(value);
}
