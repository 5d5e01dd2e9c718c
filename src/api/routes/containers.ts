/**
 * @module
 * `/containers`: routes as data with short handlers. `{id*}` matches slashes too, so that an invalid name gets the same
 * error as an unknown one.
 */
import type { Container } from "../../engine/model/container.ts";
import { parseCreateRequest } from "../../engine/model/create_request.ts";
import { TsdError } from "../../errors.ts";
import { empty, json } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import { CONTAINER_FILTER_KEYS, containerFilter, type FilterContext } from "../views/container_filters.ts";
import { inspectContainer, summariseContainer } from "../views/container_view.ts";
import type { ContainerSummary, ContainerWaitResponse } from "../../api_types/mod.ts";
import { withErrorPrefix } from "./with_error_prefix.ts";
import { parseCondition, START_TOO } from "./attach_and_start.ts";
import { containerStepRoutes } from "./container_steps.ts";
import { attachContainer, resizeContainer } from "./container_streams.ts";

export function containerRoutes(engine: Engine): Route[] {
  const {
    containers: { creator, service: containers, table },
    execs: { service: execs },
    tasks: { health },
    networks: { containers: networks },
    settings: { paths },
    store: { layers: { driver } },
  } = engine;
  return [
    {
      method: "GET",
      path: "/containers/json",
      since: "1.24",
      handler: async (request) => json(await list(engine, request)),
    },
    {
      method: "POST",
      path: "/containers/create",
      since: "1.24",
      handler: async (request) => {
        const body = parseCreateRequest(await request.json());
        const platform = request.query.text("platform");
        return json(await creator.create(request.query.text("name"), body, platform), 201);
      },
    },
    {
      method: "GET",
      path: "/containers/{id*}/json",
      since: "1.24",
      handler: async ({ params, query }) => {
        const container = table.find(params.id);
        const context = {
          ...{ paths, driver, execIds: execs.idsOf(container), health: health.stateOf(container) },
          network: networks.endpointsOf(container),
        };
        const size = query.flag("size") ? await sizeFields(engine, container) : {};
        return json({ ...inspectContainer(container, context), ...size });
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/start",
      since: "1.24",
      handler: async (request) => {
        refuseStartBody(request);
        return empty(await containers.start(request.params.id) ? 204 : 304);
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/stop",
      since: "1.24",
      handler: async ({ params, query }) => {
        const options = { seconds: query.integer("t"), signal: query.text("signal") };
        const { id } = table.find(params.id);
        const stop = () => containers.stop(id, options);
        return empty(await withErrorPrefix(`cannot stop container: ${params.id}`, stop) ? 204 : 304);
      },
    },
    {
      method: "POST",
      path: "/containers/{id*}/kill",
      since: "1.24",
      handler: async ({ params, query }) => {
        const kill = () => containers.kill(params.id, query.text("signal"));
        await withErrorPrefix(`cannot kill container: ${params.id}`, kill);
        return empty();
      },
    },
    ...containerStepRoutes(engine),
    { method: "POST", path: "/containers/{id*}/wait", since: "1.24", handler: (request) => wait(engine, request) },
    {
      method: "POST",
      path: "/containers/{id*}/attach",
      since: "1.24",
      atOnce: { header: START_TOO, route: "/containers/{id*}/start" },
      handler: (request) => attachContainer(engine, request),
    },
    {
      method: "POST",
      path: "/containers/{id*}/resize",
      since: "1.24",
      handler: (request) => resizeContainer(engine, request),
    },
    {
      method: "DELETE",
      path: "/containers/{id*}",
      since: "1.24",
      handler: async ({ params, query }) => {
        if (query.flag("link")) throw new TsdError("not_implemented", "Links are not supported");
        await containers.remove(params.id, { force: query.flag("force"), volumes: query.flag("v") });
        return empty();
      },
    },
  ];
}

/** Clients may send `{}` or `null`; a longer body contains settings. The limit is Docker's. */
const NO_SETTINGS_BYTES = 7;

/**
 * Refuses settings in the body, which had an effect before API 1.24.
 * @throws {TsdError} invalid_argument, with Docker's message
 */
function refuseStartBody({ header }: ApiRequest): void {
  const isUnknown = header("transfer-encoding") !== undefined;
  if (!isUnknown && Number(header("content-length") ?? 0) <= NO_SETTINGS_BYTES) return;
  throw new TsdError(
    "invalid_argument",
    "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
  );
}

async function list(engine: Engine, { query }: ApiRequest): Promise<ContainerSummary[]> {
  const { containers: { table }, images: { catalog: images }, tasks: { health }, networks: { containers: networks } } =
    engine;
  const filters = query.filters(CONTAINER_FILTER_KEYS);
  const limit = query.integer("limit") ?? 0;
  const byState = ["status", "exited"].some((key) => filters.has(key));
  const all = query.flag("all") || limit > 0 || byState;
  const context: FilterContext = {
    find: (name) => table.find(name),
    health: (container) => health.stateOf(container),
    network: (container) => networks.endpointsOf(container),
    imageId: (name) => {
      try {
        return images.find(name).id;
      } catch (thrown) {
        if (thrown instanceof TsdError && thrown.code === "image_not_found") return undefined;
        throw thrown;
      }
    },
  };
  const passes = containerFilter(filters, context);
  const found = table.list().filter((container) => (all || container.isActive) && passes(container));
  const listed = limit > 0 ? found.slice(0, limit) : found;
  const rows: ContainerSummary[] = [];
  for (const container of listed) {
    const size = query.flag("size") ? await sizeFields(engine, container) : {};
    const summary = summariseContainer(
      container,
      Date.now(),
      networks.endpointsOf(container),
      health.stateOf(container),
    );
    rows.push({ ...summary, ...size });
  }
  return rows;
}

/** Returns the fields that `size=1` adds; none if the container is being removed. */
async function sizeFields({ containers: { sizes } }: Engine, container: Container) {
  const size = await sizes.of(container);
  return size === undefined ? {} : { SizeRw: size.written, SizeRootFs: size.total };
}

/**
 * Waits for a container. The head is sent at once, so that clients know that the wait is registered before they start
 * the container.
 */
function wait({ containers: { service: containers } }: Engine, { params, query, signal }: ApiRequest) {
  const exit = containers.wait(params.id, parseCondition(query.text("condition") ?? "not-running"), signal);
  return {
    kind: "stream",
    contentType: "application/json",
    endless: true,
    body: (async function* () {
      const { exitCode, error } = await exit;
      const answer: ContainerWaitResponse = {
        StatusCode: exitCode,
        ...(error === undefined ? {} : { Error: { Message: error } }),
      };
      yield new TextEncoder().encode(JSON.stringify(answer) + "\n");
    })(),
  } as const;
}
