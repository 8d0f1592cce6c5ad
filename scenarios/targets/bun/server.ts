// Four patterns with Bun's own means: its HTTP server, its WebSockets with topics, direct streams.
// Each event is encoded once and written once to each subscriber.
const [port, hold] = process.argv.slice(2).map(Number);
const KEPT = 1000;

/** The newest events; `head` is the number of the last. */
let log: string[] = [];
let head = 0;
/** Streams that stay open, and requests that wait for the next event. */
const streams = new Set<ReadableStreamDirectController>();
let held = new Set<{ resolve: (response: Response) => void; timer: Timer }>();

const encoder = new TextEncoder();
const JSON_TYPE = { headers: { 'content-type': 'application/json' } };
const encode = (events: string[]) => encoder.encode(JSON.stringify({ cursor: head, events }));
const answer = (body: Uint8Array) => new Response(body, JSON_TYPE);
const nothing = () => new Response(null, { status: 204 });

/** The cursor of a poll, and the events after it; a poll without a cursor gets the events from now on. */
const read = (request: Request) => {
  const at = request.url.indexOf('after=');
  const place = at < 0 ? head : parseInt(request.url.slice(at + 6), 10);
  const events = place < head ? log.slice(Math.max(0, log.length - (head - place))) : [];
  return { named: at >= 0, events };
};

const publish = (text: string) => {
  head += 1;
  log.push(text);
  if (log.length >= 2 * KEPT) log = log.slice(-KEPT);

  server.publish('events', text);

  const frame = encoder.encode(`id: ${head}\ndata: ${text.replaceAll('\n', '\ndata: ')}\n\n`);
  for (const stream of streams) {
    stream.write(frame);
    stream.flush();
  }

  const waiting = held;
  held = new Set();
  const body = encode([text]);
  for (const { resolve, timer } of waiting) {
    clearTimeout(timer);
    resolve(answer(body));
  }
};

const server = Bun.serve({
  port,
  hostname: '127.0.0.1',
  // Subscribers keep their connections; Bun would close them after ten idle seconds.
  idleTimeout: 0,
  routes: {
    '/publish': {
      POST: async (request) => {
        publish(await request.text());
        return nothing();
      },
    },
    '/websocket': (request, server) =>
      server.upgrade(request) ? undefined : new Response('expected a WebSocket', { status: 426 }),
    '/sse': (request) => {
      const stream = new ReadableStream({
        type: 'direct',
        pull(controller) {
          streams.add(controller);
          controller.write(': open\n\n');
          controller.flush();
          return new Promise<void>((resolve) => {
            request.signal.addEventListener('abort', () => {
              streams.delete(controller);
              resolve();
            });
          });
        },
      });
      return new Response(stream, {
        headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' },
      });
    },
    '/long-polling': (request) => {
      const { named, events } = read(request);
      if (events.length > 0 || !named) return answer(encode(events));
      return new Promise<Response>((resolve) => {
        const waiter = {
          resolve,
          timer: setTimeout(() => {
            held.delete(waiter);
            resolve(nothing());
          }, hold),
        };
        held.add(waiter);
        request.signal.addEventListener('abort', () => {
          clearTimeout(waiter.timer);
          held.delete(waiter);
        });
      });
    },
    '/short-polling': (request) => {
      const { named, events } = read(request);
      return events.length > 0 || !named ? answer(encode(events)) : nothing();
    },
  },
  websocket: {
    idleTimeout: 0,
    perMessageDeflate: false,
    open: (socket) => socket.subscribe('events'),
    message() {},
  },
});

// Ends with the process that started it.
process.stdin.on('end', () => process.exit()).resume();
console.log('ready');
