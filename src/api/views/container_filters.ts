/**
 * @module
 * Filters of `GET /containers/json`: values of one key are alternatives, all keys must match.
 */
import type { Container } from "../../engine/model/container.ts";
import type { HealthState } from "../../engine/health/health_monitor.ts";
import type { EndpointState } from "../../engine/model/network.ts";
import { TsdError } from "../../errors.ts";
import type { Filters } from "../http/query.ts";
import { mountsOf } from "../../engine/model/mounts.ts";

/** Lookups that filters need. */
export interface FilterContext {
  /**
   * Returns the container that `before` and `since` name.
   * @throws {TsdError} container_not_found
   */
  find(nameOrId: string): Container;
  /** Returns the id of the image that `ancestor` names, if it exists. */
  imageId(name: string): string | undefined;
  /** Returns a container's endpoints. */
  network?(container: Container): EndpointState;
  /** Returns the health of a container that has a health check and was started. */
  health?(container: Container): HealthState | undefined;
}

/** The values that Docker accepts for booleans in filters. */
const GO_TRUE = new Set(["1", "true"]);
const GO_FALSE = new Set(["0", "false"]);

type Predicate = (container: Container) => boolean;
/** Parses a value in advance, so that an invalid one is refused even if there are no containers. */
type Filter = (value: string, context: FilterContext) => Predicate;

const NO_NETWORK: EndpointState = { sandbox: undefined, endpoints: [] };
const HEALTHS = ["none", "starting", "healthy", "unhealthy"];
const STATUSES = ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

const FILTERS: Readonly<Record<string, Filter>> = {
  id: (value) => ({ id }) => id.startsWith(value),
  name: (value) => {
    const requested = pattern(value);
    return requested === undefined ? () => false : ({ name }) => requested.test(name) || requested.test(`/${name}`);
  },
  label: (value) => ({ record }) => hasLabel(record.config.Labels ?? {}, value),
  status: (value) => {
    requireOneOf("status", "state", value, STATUSES);
    return ({ state }) => state.status === value;
  },
  exited: (value) => {
    const requested = wholeNumber("exited", value);
    return ({ state }) => state.status === "exited" && state.exitCode === requested;
  },
  ancestor: (value, { imageId }) => {
    const requested = imageId(value);
    return ({ record }) => record.imageId === requested;
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
    mountsOf(record).some(({ mount, volume, image }) =>
      (volume ?? image)?.name === value ||
      mount.target === value || (mount.kind !== "tmpfs" && mount.source === value)
    ),
  network: (value, { network = () => NO_NETWORK }) => (container) =>
    network(container).endpoints.some(({ network: { id, name } }) => name === value || id === value),
  health: (value, { health = () => undefined }) => {
    requireOneOf("health", "health", value, HEALTHS);
    return (container) => (health(container)?.status ?? "none") === value;
  },
  publish: (value, { network = () => NO_NETWORK }) => {
    const { first, last, protocol } = portRange("publish", value);
    return (container) =>
      (network(container).sandbox?.ports ?? []).some((port) =>
        first <= port.containerPort && port.containerPort <= last && port.protocol === protocol
      );
  },
  expose: (value) => {
    const { first, last, protocol } = portRange("expose", value);
    return ({ record }) =>
      Object.keys(record.config.ExposedPorts ?? {}).some((exposed) => {
        const [port, exposedProtocol] = exposed.split("/");
        return first <= Number(port) && Number(port) <= last && exposedProtocol === protocol;
      });
  },
  // No container is a Swarm task.
  "is-task": (value) => {
    const isTask = GO_TRUE.has(value);
    if (!isTask && !GO_FALSE.has(value)) throw refusal(`invalid filter 'is-task=[${value}]'`);
    return () => !isTask;
  },
};

/** The supported keys. */
export const CONTAINER_FILTER_KEYS = Object.keys(FILTERS);

/**
 * Returns a predicate: a container has to match all labels, and any value of each other key.
 * @throws {TsdError} invalid_argument, container_not_found
 */
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

/** Matches `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, requested: string): boolean {
  const at = requested.indexOf("=");
  const key = at < 0 ? requested : requested.slice(0, at);
  return Object.hasOwn(labels, key) && (at < 0 || labels[key] === requested.slice(at + 1));
}

/** Compiles a pattern; undefined if it is invalid. Like in Docker, such a filter matches no container. */
function pattern(value: string): RegExp | undefined {
  try {
    return new RegExp(value);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function requireOneOf(key: string, what: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  throw refusal(
    `invalid filter '${key}=${value}': invalid value for ${what} (${value}): must be one of ${allowed.join(", ")}`,
  );
}

function wholeNumber(key: string, value: string): number {
  if (/^[+-]?\d+$/.test(value)) return Number(value);
  throw refusal(`invalid filter '${key}=${value}': strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`);
}

/**
 * Parses `80`, `80/udp` or `80-90/tcp`.
 * @throws {TsdError} invalid_argument
 */
function portRange(key: string, value: string): { first: number; last: number; protocol: string } {
  if (value.includes(":")) throw refusal(`filter for '${key}' should not contain ':': ${value}`);
  const [ports = "", protocol = "tcp"] = value.split("/");
  const [first, last = first] = ports.split("-").map((text) => {
    const port = Number(text);
    const why = !/^\d+$/.test(text) ? "invalid syntax" : port > 65_535 ? "value out of range" : undefined;
    if (why === undefined) return port;
    throw refusal(
      `error while looking up for ${key} ${value}: strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`,
    );
  });
  if (last < first) {
    throw refusal(`error while looking up for ${key} ${value}: invalid range specified for port: ${ports}`);
  }
  return { first, last, protocol };
}

const refusal = (message: string) => new TsdError("invalid_argument", message);
