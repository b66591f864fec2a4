/** The back-end itself. */
import { object } from '../../../schema/index.js';
import { bytes, json, NONE, type Route } from '../route.js';

export const system = {
  getHealth: {
    method: 'GET',
    path: '/v1/health',
    summary: 'What runs, and whether a machine is there.',
    params: {},
    query: {},
    body: NONE,
    answer: json(
      object(
        {
          version: { type: 'string' },
          apiVersion: { type: 'integer' },
          machine: { type: 'boolean', description: 'A front-end is connected.' },
          outputsDecidedBy: { type: 'string', enum: ['back-end', 'qemu'] },
          uptimeSeconds: { type: 'number' },
        },
        ['version', 'apiVersion', 'machine', 'outputsDecidedBy', 'uptimeSeconds'],
      ),
    ),
  },
  getMetrics: {
    method: 'GET',
    path: '/metrics',
    summary: 'All counters, in the text format of Prometheus.',
    params: {},
    query: {},
    body: NONE,
    answer: bytes('text/plain; version=0.0.4; charset=utf-8'),
  },
  getOpenApi: {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This description.',
    params: {},
    query: {},
    body: NONE,
    answer: json({ type: 'object', properties: {}, required: [], additionalProperties: true }),
  },
  putPolicy: {
    method: 'PUT',
    path: '/v1/policy',
    summary:
      'Replaces the policy of forwarded applications, for those that connect from now on. What is fixed at the start ' +
      '(ask, securityContext, border) must stay as it is.',
    params: {},
    query: {},
    body: json({ type: 'object', properties: {}, required: [], additionalProperties: true }),
    answer: NONE,
  },
} as const satisfies Record<string, Route>;
