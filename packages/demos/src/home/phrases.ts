/** What the home page says. */
import { type CommonPhrase, commonChinese, commonEnglish } from '../shared/common-phrases.ts';
import type { LanguageCode, Phrases } from '../shared/language.ts';

export type HomePhrase =
  | CommonPhrase
  | 'otherLanguage'
  | 'headline'
  | 'explanation'
  | 'tryIt'
  | 'publishTitle'
  | 'noTerminal'
  | 'publishHere'
  | 'publishFailed'
  | 'receiveTitle'
  | 'waiting'
  | 'sameRoom'
  | 'socketTitle'
  | 'demos'
  | 'live'
  | 'chat'
  | 'chatText'
  | 'open'
  | 'login'
  | 'loginText'
  | 'openLogin'
  | 'center'
  | 'centerText'
  | 'openCenter'
  | 'developmentMode'
  | 'openToNetwork'
  | 'metrics'
  | 'health';

const english: Phrases<HomePhrase> = {
  ...commonEnglish,
  otherLanguage: '中文',
  headline: 'Realtime push on your own server',
  explanation:
    'Your backend publishes with one HTTP request; every browser and device that is subscribed receives it at once. A client that loses its connection comes back and gets exactly what it missed.',
  tryIt: 'Try it now',
  publishTitle: '1. Publish, from a terminal',
  noTerminal: 'No terminal at hand?',
  publishHere: 'Publish it from here',
  publishFailed: 'Not published: {reason}',
  receiveTitle: '2. See it arrive',
  waiting: 'Run the line, and watch this box.',
  sameRoom: 'Open in the chat',
  socketTitle: '3. Receive it in your own page',
  demos: 'Demos',
  live: 'Live',
  chat: 'Chat room',
  chatText: 'Open it in two windows and type. Cut the network, come back: exactly what you missed is there.',
  open: 'Open the chat room',
  login: 'QR login',
  loginText: 'Scan a code with the phone, and the desktop page is signed in the moment the phone confirms.',
  openLogin: 'Open the QR login',
  center: 'Message center',
  centerText: 'Notifications for one user on every device: kept while away, counted, read once.',
  openCenter: 'Open the message center',
  developmentMode: 'Development mode: on this machine the API needs no key and every channel is open.',
  openToNetwork:
    'Development mode, open to the network: whoever reaches this server may use every channel. Set API keys and channel rules before others use it.',
  metrics: 'Metrics',
  health: 'Health',
};

const chinese: Phrases<HomePhrase> = {
  ...commonChinese,
  otherLanguage: 'English',
  headline: '在你自己的服务器上做实时推送',
  explanation:
    '后端发一个 HTTP 请求，所有订阅了的浏览器和设备立刻收到。客户端断线后会自己重连，错过的消息一条不少地补回来。',
  tryIt: '马上试试',
  publishTitle: '1. 在终端里发布',
  noTerminal: '手边没有终端？',
  publishHere: '直接在这里发布',
  publishFailed: '没有发布成功：{reason}',
  receiveTitle: '2. 看它到达',
  waiting: '运行那一行命令，然后看这里。',
  sameRoom: '在聊天室里打开',
  socketTitle: '3. 在你自己的网页里接收',
  demos: '演示',
  live: '可用',
  chat: '聊天室',
  chatText: '开两个窗口聊一聊。断开网络再恢复：错过的消息正好都在。',
  open: '进入聊天室',
  login: '扫码登录',
  loginText: '手机扫码确认的那一刻，电脑上的页面就登录好了。',
  openLogin: '打开扫码登录',
  center: '消息中心',
  centerText: '一个用户，多台设备：离线时替他留着，有未读数，读一次处处已读。',
  openCenter: '打开消息中心',
  developmentMode: '开发模式：在本机上，接口不需要密钥，所有频道都开放。',
  openToNetwork:
    '开发模式，对网络开放：能访问这台服务器的人都可以使用所有频道。给别人用之前，请先设置接口密钥和频道规则。',
  metrics: '指标',
  health: '健康检查',
};

export const homePhrases: Readonly<Record<LanguageCode, Phrases<HomePhrase>>> = { en: english, zh: chinese };
