/**
 * @module
 * `GET /metrics` for Prometheus: tsd's own route, available only if configured.
 */
import { TsdError } from "../../errors.ts";
import { METRICS_TYPE } from "../../plugins/mod.ts";
import type { Route } from "../http/route.ts";
import type { Engine } from "../../engine/mod.ts";

export function metricsRoutes({ plugins: { metrics } }: Engine): Route[] {
  return [
    {
      method: "GET",
      path: "/metrics",
      since: "1.24",
      handler: () => {
        if (metrics === undefined) throw new TsdError("page_not_found", "page not found");
        return { kind: "text", status: 200, body: metrics.text(), headers: { "Content-Type": METRICS_TYPE } };
      },
    },
  ];
}
