/** Pages as they were written for nginx, Lua and Redis: what their scripts do is what visitors' browsers do today. */

/** Names a Redis channel in its query, in quotes, and shows what it sends beside what it receives. */
export const webwsPage = `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>One Redis channel in the query</title>
    <script>
      var ws = null;

      function connect() {
        if (ws !== null) return log('already connected');
        ws = new WebSocket('ws://192.168.0.50/webws?channel="zhang"');
        ws.onopen = function () {
          log('connected');
        };
        ws.onerror = function (error) {
          log(error);
        };
        ws.onmessage = function (e) {
          log('recv: ' + e.data);
        };
        ws.onclose = function () {
          log('disconnected');
          ws = null;
        };
        return false;
      }

      function disconnect() {
        if (ws === null) return log('already disconnected');
        ws.close();
        return false;
      }

      function send() {
        if (ws === null) return log('please connect first');
        var text = document.getElementById('text').value;
        document.getElementById('text').value = '';
        log('send: ' + text);
        ws.send(text);
        return false;
      }

      function log(text) {
        var li = document.createElement('li');
        li.appendChild(document.createTextNode(text));
        document.getElementById('log').appendChild(li);
        return false;
      }
    </script>
  </head>
  <body>
    <form onsubmit="return send();">
      <button type="button" onclick="return connect();">Connect</button>
      <button type="button" onclick="return disconnect();">Disconnect</button>
      <input id="text" type="text">
      <button type="submit">Send</button>
    </form>
    <ol id="log"></ol>
  </body>
</html>
`;

/** Enters the only room there is when it loads, sends `ping` as text every ten seconds, shows the newest line first. */
export const roomPage = `<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1.0">
    <title>One room with a heartbeat of its own</title>
    <style>
      p {
        margin: 0;
      }
    </style>
    <script src="/prepend.js"></script>
    <script>
      var ws = null;
      var pingInterval = null;

      function enter() {
        if (ws != null && ws.readyState == 1) {
          log('已经在线');
          return;
        }
        if ('WebSocket' in window) {
          ws = new WebSocket('ws://127.0.0.1/ws');
          ws.onopen = function () {
            log('成功进入聊天室');
            startPing();
          };
          ws.onmessage = function (event) {
            log(event.data);
          };
          ws.onclose = function () {
            log('已经和服务器断开');
            stopPing();
          };
          ws.onerror = function (event) {
            console.log('error ' + event.data);
            stopPing();
          };
        } else {
          alert('WebSocket NOT supported by your Browser!');
        }
      }

      function say() {
        if (ws != null && ws.readyState == 1) {
          ws.send(document.getElementById('msgtext').value);
        } else {
          log('请先进入聊天室');
        }
      }

      function leave() {
        if (ws != null && ws.readyState == 1) {
          ws.close();
          log('发送断开服务器请求');
        } else {
          log('当前没有连接服务器');
        }
      }

      function startPing() {
        if (pingInterval) clearInterval(pingInterval);
        pingInterval = setInterval(function () {
          if (ws != null && ws.readyState == 1) {
            ws.send('ping');
          }
        }, 10000);
      }

      function stopPing() {
        if (pingInterval) {
          clearInterval(pingInterval);
          pingInterval = null;
        }
      }

      function log(text) {
        var line = document.createElement('p');
        line.appendChild(document.createTextNode(text));
        $('#log').prepend(line);
        return false;
      }

      enter();
    </script>
  </head>
  <body>
    <div>
      <a href="javascript:enter()">进入聊天室</a>
      <a href="javascript:leave()">离开聊天室</a>
      <br>
      <input id="msgtext" type="text">
      <a href="javascript:say()">发送信息</a>
      <div id="log"></div>
    </div>
  </body>
</html>
`;

/** The one thing that the page of the room takes from jQuery. */
export const prependScript = `window.$ = (selector) => ({
  prepend: (node) => document.querySelector(selector).prepend(node),
});
`;
