/**
 * @module
 * `GET /containers/json?filters=`: values of one key are alternatives, keys must all hold.
 */
import type { Container } from "../../engine/containers/container.ts";
import type { HealthState } from "../../engine/health/health_monitor.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { requestedMounts } from "../../engine/containers/mounts.ts";

/** What values may need to know of other things. */
export interface FilterContext {
  /** The container that `before` and `since` name. @throws {TsdError} container_not_found */
  find(nameOrId: string): Container;
  /** The id of the image that `ancestor` names, if there is one. */
  imageId(name: string): string | undefined;
  /** The health of a container that has a health check and was started once. */
  health?(container: Container): HealthState | undefined;
}

type Predicate = (container: Container) => boolean;
/** Reads a value once, so that a bad one is refused even where there is nothing to filter. */
type Filter = (value: string, context: FilterContext) => Predicate;

const HEALTHS = new Set(["none", "starting", "healthy", "unhealthy"]);
const STATUSES = new Set(["created", "restarting", "running", "removing", "paused", "exited", "dead"]);

const FILTERS: Readonly<Record<string, Filter>> = {
  id: (value) => ({ id }) => id.startsWith(value),
  name: (value) => {
    const wanted = pattern(value);
    return ({ name }) => wanted.test(name) || wanted.test(`/${name}`);
  },
  label: (value) => ({ record }) => hasLabel(record.config.Labels ?? {}, value),
  status: (value) => {
    const wanted = checkedStatus(value);
    return ({ state }) => state.status === wanted;
  },
  exited: (value) => {
    const wanted = wholeNumber("exited", value);
    return ({ state }) => state.status === "exited" && state.exitCode === wanted;
  },
  ancestor: (value, { imageId }) => {
    const wanted = imageId(value);
    return ({ record }) => record.imageId === wanted;
  },
  before: (value, { find }) => {
    const other = find(value);
    return ({ createdMs }) => createdMs < other.createdMs;
  },
  since: (value, { find }) => {
    const other = find(value);
    return ({ createdMs }) => createdMs > other.createdMs;
  },
  volume: (value) => ({ record }) =>
    requestedMounts(record.hostConfig).some(({ mount }) =>
      mount.target === value || (mount.kind !== "tmpfs" && mount.source === value)
    ),
  network: (value) => ({ record }) => (record.hostConfig.NetworkMode || "default") === value,
  health: (value, { health = () => undefined }) => {
    if (!HEALTHS.has(value)) throw new TsdError("invalid_argument", `invalid filter 'health=${value}'`);
    return (container) => (health(container)?.status ?? "none") === value;
  },
  // No port is published or exposed to a network yet, and nothing is a swarm's.
  publish: () => () => false,
  expose: (value) => ({ record }) =>
    Object.keys(record.config.ExposedPorts ?? {}).some((port) => port.split("/")[0] === value.split("/")[0]),
  "is-task": (value) => () => value === "false" || value === "0",
};

/** The keys that are understood. */
export const CONTAINER_FILTER_KEYS = Object.keys(FILTERS);

/** Whether a container passes: all labels and all keys, any value of another key. @throws {TsdError} invalid_argument, container_not_found */
export function containerFilter(filters: Filters, context: FilterContext): Predicate {
  const keys = [...filters].map(([key, values]): Predicate => {
    const predicates = values.map((value) => FILTERS[key](value, context));
    if (predicates.length === 0) return () => true;
    return key === "label"
      ? (container) => predicates.every((passes) => passes(container))
      : (container) => predicates.some((passes) => passes(container));
  });
  return (container) => keys.every((passes) => passes(container));
}

/** `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const at = wanted.indexOf("=");
  const key = at < 0 ? wanted : wanted.slice(0, at);
  return Object.hasOwn(labels, key) && (at < 0 || labels[key] === wanted.slice(at + 1));
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
