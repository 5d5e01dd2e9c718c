/**
 * @module
 * `GET /tsd/check`: verifies the image store. tsd's own route, as Docker has none.
 */
import type { CheckedPart as Checked } from "../../engine/images/fsck.ts";
import { jsonLines } from "../http/reply.ts";
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";
import type { CheckedPart } from "../../api_types/mod.ts";
import { withErrorInBand } from "./progress.ts";

export function imageCheckRoutes({ images: { fsck: imageCheck } }: Pick<Engine, "images">): Route[] {
  return [{
    method: "GET",
    path: "/tsd/check",
    since: "1.24",
    handler: ({ query, signal }) => jsonLines(withErrorInBand(lines(imageCheck.check(query.all("image"), signal)))),
  }];
}

async function* lines(parts: AsyncIterable<Checked>): AsyncGenerator<CheckedPart> {
  for await (const { kind, digest, images, problem, unread } of parts) {
    yield {
      ...{ Kind: kind, Digest: digest, Images: images },
      ...(problem !== undefined && { Problem: problem }),
      ...(unread !== undefined && { Unread: unread }),
    };
  }
}
