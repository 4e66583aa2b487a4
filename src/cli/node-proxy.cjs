// Sends Node's own HTTP clients through the proxy of the environment, where Node does not by itself:
// fetch before 22.21 and 24, agents of one's own (the AWS SDK's, for one) in every version.
// `outgate exec` has it loaded by NODE_OPTIONS=--require.
'use strict';

(() => {
  const env = process.env;
  const named = (name) => env[name.toLowerCase()] || env[name] || '';
  let proxy;
  try {
    proxy = new URL(named('HTTPS_PROXY'));
  } catch (_) {
    return;
  }
  if (proxy.protocol !== 'http:') return;

  const http = require('http');
  const https = require('https');
  const net = require('net');
  const tls = require('tls');

  const place = { host: proxy.hostname.replace(/^\[|\]$/g, ''), port: Number(proxy.port) || 80 };
  const login = proxy.username && 'Basic ' +
    Buffer.from(`${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`).toString('base64');

  // As the variable stands at the time: a program may change it.
  function isDirect(host, port) {
    const name = host.replace(/^\[|\]$/g, '').replace(/\.$/, '').toLowerCase();
    return named('NO_PROXY').toLowerCase().split(/[\s,]+/).some((entry) => {
      if (!entry) return false;
      if (entry === '*') return true;
      const [, only, at] = /^([^:]+):(\d+)$/.exec(entry) || [null, entry, null];
      if (at && Number(at) !== Number(port)) return false;
      const wanted = only.replace(/^\[|\]$/g, '').replace(/^\*?\./, '');
      return name === wanted || (!net.isIP(name) && name.endsWith(`.${wanted}`));
    });
  }

  // An agent that is not led anywhere: with it we speak to the proxy itself.
  const plain = new http.Agent();

  // Opens a tunnel; `done` is called once, with an error or a socket.
  function tunnel(host, port, timeout, done) {
    const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
    const headers = { Host: authority };
    if (login) headers['Proxy-Authorization'] = login;
    const asked = http.request({ ...place, method: 'CONNECT', path: authority, headers, agent: plain });
    if (timeout) asked.setTimeout(timeout, () => asked.destroy(new Error(`no tunnel to ${authority} in time`)));
    asked.once('error', done);
    asked.once('connect', (answer, socket, head) => {
      asked.removeListener('error', done);
      socket.setTimeout(0);
      if (answer.statusCode !== 200) {
        socket.destroy();
        const error = new Error(`CONNECT ${authority}: ${answer.statusCode} ${answer.statusMessage}`);
        error.code = 'ERR_PROXY_TUNNEL';
        return done(error);
      }
      if (head.length) socket.unshift(head);
      done(null, socket);
    });
    asked.end();
  }

  // https: a tunnel instead of a connection, under the agent's own TLS.
  const connect = https.Agent.prototype.createConnection;
  https.Agent.prototype.createConnection = function (options, done) {
    const host = options && options.host;
    // An agent with proxyEnv knows the way by itself.
    const leave = typeof done !== 'function' || !host || options.socket || options.socketPath ||
      (this.options && this.options.proxyEnv) || isDirect(host, options.port);
    if (leave) return connect.apply(this, arguments);
    tunnel(host, options.port || 443, options.timeout, (error, socket) => {
      if (error) return done(error);
      try {
        done(null, connect.call(this, { ...options, socket }));
      } catch (thrown) {
        done(thrown);
      }
    });
  };

  // http: the whole URL, to the proxy. Agents of other libraries do as they like.
  const add = http.Agent.prototype.addRequest;
  http.Agent.prototype.addRequest = function (request, options, ...rest) {
    const host = options && options.host;
    const leave = this === plain || !host || options.socketPath || Object.getPrototypeOf(this) !== http.Agent.prototype ||
      (this.options && this.options.proxyEnv) || !named('HTTP_PROXY') || !request.path.startsWith('/') ||
      isDirect(host, options.port || 80);
    if (leave) return add.call(this, request, options, ...rest);
    const port = Number(options.port) || 80;
    const before = request.path;
    request.path = `http://${net.isIPv6(host) ? `[${host}]` : host}${port === 80 ? '' : `:${port}`}${before}`;
    if (request._header) {
      // Written already; its first line says where to.
      request._header = request._header.replace(before, () => request.path);
    } else if (login) {
      request.setHeader('Proxy-Authorization', login);
    }
    return add.call(this, request, { ...options, ...place }, ...rest);
  };

  // fetch: its client is loaded with its first use, and so is this.
  const symbol = Symbol.for('undici.globalDispatcher.1');
  function dispatcher() {
    new Response();
    const now = globalThis[symbol];
    // One that knows of proxies, or that the program has put there.
    if (!now || now.constructor.name !== 'Agent') return;
    // http goes as a whole URL to the proxy: what is not TLS has no place in a tunnel.
    class Led extends now.constructor {
      dispatch(options, handler) {
        const origin = new URL(options.origin);
        if (origin.protocol !== 'http:' || !named('HTTP_PROXY') || isDirect(origin.hostname, origin.port || 80)) {
          return super.dispatch(options, handler);
        }
        const more = { host: origin.host };
        if (login) more['proxy-authorization'] = login;
        const headers = Array.isArray(options.headers)
          ? options.headers.concat(...Object.entries(more))
          : { ...options.headers, ...more };
        return super.dispatch({ ...options, origin: proxy.origin, path: origin.origin + options.path, headers }, handler);
      }
    }
    globalThis[symbol] = new Led({
      connect({ hostname, protocol, port, servername }, done) {
        const host = hostname.replace(/^\[|\]$/g, '');
        const isSecure = protocol === 'https:';
        const at = Number(port) || (isSecure ? 443 : 80);
        const wrap = (socket) => {
          socket.setNoDelay(true);
          const name = servername || (net.isIP(host) ? undefined : host);
          const ready = isSecure ? tls.connect({ socket, servername: name, ALPNProtocols: ['http/1.1'] }) : socket;
          const failed = (error) => done(error);
          ready.once('error', failed);
          const go = () => {
            ready.removeListener('error', failed);
            done(null, ready);
          };
          if (isSecure) ready.once('secureConnect', go);
          else go();
        };
        if (isDirect(host, at) || (host === place.host && at === place.port)) {
          const socket = net.connect({ host, port: at });
          socket.once('error', done);
          socket.once('connect', () => {
            socket.removeListener('error', done);
            wrap(socket);
          });
        } else {
          tunnel(host, at, 10000, (error, socket) => (error ? done(error) : wrap(socket)));
        }
      },
    });
  }
  const own = Object.getOwnPropertyDescriptor(globalThis, 'fetch');
  if (!own || !own.configurable || typeof own.value !== 'function') return;
  let isReady = false;
  function fetch(input, init) {
    if (!isReady) {
      isReady = true;
      try {
        dispatcher();
      } catch (_) {
        // Then it goes as it always went.
      }
    }
    return own.value.call(this, input, init);
  }
  Object.defineProperty(globalThis, 'fetch', { ...own, value: fetch });
})();
