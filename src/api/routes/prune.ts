/**
 * @module
 * Pruning: Docker's routes for each kind of object, and tsd's own, which show a plan first and then remove exactly what
 * was shown. Kinds that this engine does not have yet have nothing to remove.
 */
import type { PruneKind } from "../../engine/prune/prune_plan.ts";
import type { PruneReport } from "../../engine/prune/prune_service.ts";
import type { Filters } from "../http/query.ts";
import { json } from "../http/reply.ts";
import type { ApiRequest, Route } from "../http/route.ts";
import { type ApiVersion, atLeast } from "../http/version.ts";
import type { Engine } from "../../engine/mod.ts";
import { truthOf } from "../views/image_filters.ts";
import { PRUNE_FILTER_KEYS, pruneFilter } from "../views/prune_filters.ts";
import { parseItems, parseKind, planView, reportView } from "../views/prune_view.ts";
import type {
  BuildPruneResponse,
  ContainersPruneResponse,
  ImagesPruneResponse,
  NetworksPruneResponse,
  VolumesPruneResponse,
} from "../../api_types/mod.ts";

/** Filters of the build cache. Labels are included because `docker system prune` sends them for all kinds. */
const CACHE_FILTER_KEYS = [
  ...PRUNE_FILTER_KEYS,
  ...["unused-for", "id", "parent", "type", "description", "inuse", "shared", "private"],
];

/** One of Docker's prune routes. */
interface DockerPrune {
  readonly path: string;
  readonly kind: PruneKind;
  /** A kind that is pruned along with it. */
  readonly also?: PruneKind;
  readonly filters: readonly string[];
  /** Whether images or volumes with a name are pruned too. */
  readonly all?: (filters: Filters, version: ApiVersion) => boolean;
  readonly answer: (report: PruneReport) => unknown;
}

/** Docker reports an empty list as null, except for volumes. */
const orNull = <T>(list: readonly T[]): readonly T[] | null => list.length === 0 ? null : list;
const idsOf = ({ removed }: PruneReport): string[] => removed.map(({ id }) => id);
const namesOf = ({ removed }: PruneReport): string[] => removed.flatMap(({ names }) => names.slice(0, 1));

const DOCKER_ROUTES: readonly DockerPrune[] = [
  {
    path: "/containers/prune",
    kind: "container",
    filters: PRUNE_FILTER_KEYS,
    answer: (report): ContainersPruneResponse => ({
      ContainersDeleted: orNull(idsOf(report)),
      SpaceReclaimed: report.bytes,
    }),
  },
  {
    path: "/images/prune",
    kind: "image",
    also: "download",
    filters: ["dangling", ...PRUNE_FILTER_KEYS],
    all: (filters) => truthOf(filters, "dangling") === false,
    answer: ({ images, bytes }): ImagesPruneResponse => ({ ImagesDeleted: orNull(images), SpaceReclaimed: bytes }),
  },
  {
    path: "/networks/prune",
    kind: "network",
    filters: PRUNE_FILTER_KEYS,
    answer: (report): NetworksPruneResponse => ({ NetworksDeleted: orNull(namesOf(report)) }),
  },
  {
    path: "/volumes/prune",
    kind: "volume",
    filters: ["label", "label!", "all"],
    // Before API 1.42 there is no distinction between named and anonymous volumes.
    all: (filters, version) => !atLeast(version, "1.42") || truthOf(filters, "all") === true,
    answer: (report): VolumesPruneResponse => ({ VolumesDeleted: namesOf(report), SpaceReclaimed: report.bytes }),
  },
  {
    path: "/build/prune",
    kind: "build-cache",
    filters: CACHE_FILTER_KEYS,
    answer: (report): BuildPruneResponse => ({ CachesDeleted: orNull(idsOf(report)), SpaceReclaimed: report.bytes }),
  },
];

export function pruneRoutes({ system: { prune } }: Pick<Engine, "system">): Route[] {
  const dockerRoutes = DOCKER_ROUTES.map(({ path, kind, also, filters: keys, all = () => false, answer }): Route => ({
    method: "POST",
    path,
    since: "1.25",
    handler: async ({ query, version, signal }) => {
      const filters = query.filters(keys);
      const isAll = all(filters, version);
      const selection = { all: isAll, allVolumes: isAll, passes: pruneFilter(filters) };
      const kinds = also === undefined ? [kind] : [kind, also];
      return json(answer(await prune.prune(kinds, selection, signal)));
    },
  }));
  return [
    ...dockerRoutes,
    {
      method: "GET",
      path: "/tsd/prune",
      since: "1.25",
      handler: async ({ query }) => {
        const passes = pruneFilter(query.filters(PRUNE_FILTER_KEYS));
        const selection = { all: query.flag("all"), allVolumes: query.flag("all-volumes"), passes };
        return json(planView(await prune.plan(query.all("kind").map(parseKind), selection)));
      },
    },
    {
      method: "POST",
      path: "/tsd/prune",
      since: "1.25",
      handler: async (request: ApiRequest) => {
        const kinds = request.query.all("kind").map(parseKind);
        return json(reportView(await prune.remove(kinds, parseItems(await request.json()), request.signal)));
      },
    },
  ];
}
