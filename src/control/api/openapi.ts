/** The OpenAPI 3.1 document of the API. */
import { ERROR_CODES } from './errors.js';
import { type Content, ERROR_SCHEMA, type Parameters, type Route } from './route.js';
import { ROUTES } from './routes.js';

function contentOf(content: Content): object {
  switch (content.kind) {
    case 'none':
      return {};
    case 'json':
      return { content: { 'application/json': { schema: content.schema } } };
    case 'bytes':
      return { content: { [content.mediaType]: {} } };
  }
}

function parametersOf(list: Parameters, place: 'path' | 'query'): object[] {
  return Object.entries(list).map(([name, schema]) => {
    const { description, ...rest } = { description: undefined, ...schema };
    const more = description === undefined ? {} : { description };
    return { name, in: place, required: place === 'path', ...more, schema: rest };
  });
}

function operation(id: string, { summary, params, query, body, answer }: Route): object {
  const status = answer.kind === 'none' ? '204' : '200';
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')];
  return {
    operationId: id,
    summary,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body.kind === 'none' ? {} : { requestBody: { required: true, ...contentOf(body) } }),
    responses: {
      [status]: { description: 'Done.', ...contentOf(answer) },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

/** The document, as a value for JSON. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const [id, route] of Object.entries(ROUTES)) {
    paths[route.path] ??= {};
    (paths[route.path] as Record<string, object>)[route.method.toLowerCase()] = operation(id, route);
  }
  const codes = Object.entries(ERROR_CODES).map(([code, status]) => `${code} (${status})`);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Control API of vhost-user-gpu-ts',
      version,
      description: 'HTTP on the unix socket of --control-socket.',
    },
    paths,
    components: {
      responses: {
        Error: {
          description: `The request was refused. Codes: ${codes.join(', ')}.`,
          content: { 'application/json': { schema: ERROR_SCHEMA } },
        },
      },
    },
  };
}
