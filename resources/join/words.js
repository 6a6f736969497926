// SPDX-License-Identifier: GPL-3.0-or-later
// What the page says, in English (two forms where a number decides) and Korean. What the Companion says too has its words.

export const WORDS = {
  scamTitle: ["Before you share your screen", "화면을 공유하기 전에"],
  scamFirst: [
    "Did somebody you do not know call you and bring you here? Then it is very likely a fraud. Say no.",
    "모르는 사람의 전화를 받고 여기까지 오셨습니까? 사기일 가능성이 매우 높습니다. 거절해 주세요.",
  ],
  scam1: [
    "Support never asks for passwords, bank sign-in, card numbers or payment.",
    "고객지원은 비밀번호, 은행 로그인, 카드 번호, 결제를 요구하지 않습니다.",
  ],
  scam2: [
    "Support never calls unasked about a virus, a refund or your account.",
    "고객지원은 바이러스, 환불, 계정을 이유로 먼저 전화하지 않습니다.",
  ],
  scam3: [
    "Close windows with your bank, mail or private pictures before you share.",
    "공유하기 전에 은행, 메일, 개인 사진 창은 닫아 주세요.",
  ],
  scamNo: ["Something is odd, do not share", "이상합니다, 공유 안 함"],
  scamYes: ["I have read this", "읽었습니다"],
  requestTitle: ["Screen sharing request", "화면 공유 요청"],
  who: ["{name}, {organisation}", "{organisation} {name} 님"],
  ticket: ["Your ticket {number} “{subject}”", "고객님의 문의 {number} “{subject}”"],
  wish: ["would like to LOOK AT your screen. You choose what is shown.", "화면을 보기만 하려고 합니다. 무엇을 보일지는 직접 고릅니다."],
  warning: [
    "Nobody from support asks for passwords, bank sign-in or payment. A stranger called you? Say no.",
    "고객지원은 비밀번호, 은행 로그인, 결제를 요구하지 않습니다. 모르는 사람이 전화했다면 거절해 주세요.",
  ],
  no: ["Don't allow", "허용 안 함"],
  yes: ["Allow looking", "보기 허용"],
  answerTime: ["No answer within {time} means no.", "{time} 안에 답하지 않으면 거절로 처리됩니다."],
  numberAsk: ["Which number did {name} read to you?", "{name} 님이 읽어 준 번호는 무엇입니까?"],
  numberWhy: [
    "The same number on both sides proves that nobody stands between. Until then, nothing but looking and pointing is possible.",
    "양쪽 번호가 같으면 중간에 아무도 없다는 뜻입니다. 그때까지는 보기와 표시만 할 수 있습니다.",
  ],
  numberSpoken: ["Number {number}: {digits}", "번호 {number}: {digits}"],
  numberNone: ["None of these", "여기에 없음"],
  goOnTitle: ["Go on sharing?", "공유를 계속할까요?"],
  goOnUnverified: [
    "The check number was not compared yet. Go on with looking only, unverified?",
    "아직 확인 번호를 비교하지 않았습니다. 확인하지 않은 채 보기만 계속할까요?",
  ],
  goOnContinue: ["{name} still looks at your screen. Go on?", "{name} 님이 아직 화면을 보고 있습니다. 계속할까요?"],
  stopSharing: ["Stop sharing", "공유 중지"],
  goOn: ["Go on", "계속하기"],
  stop: ["STOP", "중지"],
  pause: ["Pause", "일시 중지"],
  resume: ["Resume", "다시 시작"],
  connecting: [
    "Connecting with {name}, {organisation}. Nothing is shown yet.",
    "{organisation} {name} 님과 연결하고 있습니다. 아직 아무것도 보이지 않습니다.",
  ],
  lost: ["The connection broke. Nothing is shown to {name} now.", "연결이 끊겼습니다. 지금 {name} 님에게는 아무것도 보이지 않습니다."],
  paused: ["Paused. {name} sees nothing.", "일시 중지했습니다. {name} 님에게는 아무것도 보이지 않습니다."],
  looking: ["{name} is LOOKING AT “{target}”", "{name} 님이 “{target}” 보는 중"],
  verified: ["verified {number}", "확인됨 {number}"],
  notVerified: ["not verified", "확인되지 않음"],
  pointerAsk: ["May {name} point and draw on your screen?", "{name} 님이 화면에 포인터와 그림으로 표시해도 될까요?"],
  pointerYes: ["Allow pointing", "표시 허용"],
  pointerBack: ["Take back: pointing and drawing", "허용 취소: 포인터 표시, 그리기"],
  pointerName: ["pointing", "포인터 표시"],
  why: ["{name} writes: “{why}”", "{name} 님의 설명: “{why}”"],
  direct: ["Connected directly", "직접 연결되었습니다"],
  relay: ["Connected through the organisation's relay", "조직의 중계 서버를 통해 연결되었습니다"],
  endedTitle: ["Session ended", "원격 지원이 끝났습니다"],
  saveReceipt: ["Save receipt…", "동의 기록 저장…"],
  factTicket: ["Ticket", "문의"],
  factTime: ["Time", "시간"],
  factSeen: ["Seen", "보인 것"],
  seenNothing: ["nothing; no picture left this computer", "없음. 이 컴퓨터에서 나간 화면이 없습니다"],
  seen: ["“{target}”", "“{target}”"],
  compared: ["compared and equal", "비교했고 같았습니다"],
  notCompared: ["not compared", "비교하지 않았습니다"],
  codeTitle: ["Enter a session code", "원격 지원 코드 입력"],
  codeLabel: ["Session code or link", "원격 지원 코드 또는 링크"],
  codeGo: ["Show the request", "요청 보기"],
  codeText: [
    "The code is in your ticket, or the person on the phone reads it to you. It allows nothing by itself.",
    "코드는 문의에 있거나 통화 중인 상담원이 읽어 드립니다. 코드만으로는 아무것도 허용되지 않습니다.",
  ],
  badCode: [
    "This code is not valid any more, or not for you. Ask the person on the phone for a new one.",
    "더는 쓸 수 없거나 고객님의 것이 아닌 코드입니다. 통화 중인 상담원에게 새 코드를 요청해 주세요.",
  ],
  end_stopped_customer: ["You stopped it.", "고객님이 중지했습니다."],
  end_stopped_agent: ["Support ended it.", "고객지원에서 끝냈습니다."],
  end_stopped: ["It was stopped.", "중지되었습니다."],
  end_refused: ["You did not allow it. Nothing was shown.", "허용하지 않으셨습니다. 아무것도 보이지 않았습니다."],
  end_cancelled: ["Support withdrew the invitation. Nothing was shown.", "고객지원에서 초대를 거두었습니다. 아무것도 보이지 않았습니다."],
  end_expired: ["The invitation was not opened in time. Nothing was shown.", "초대를 제때 열지 않았습니다. 아무것도 보이지 않았습니다."],
  end_unreachable: [
    "The two computers could not be connected. Nothing was shown.",
    "두 컴퓨터를 연결할 수 없었습니다. 아무것도 보이지 않았습니다.",
  ],
  end_no_relay: [
    "The relay, which is the only way allowed, could not be used. Nothing was shown.",
    "허용된 유일한 경로인 중계 서버를 쓸 수 없었습니다. 아무것도 공유되지 않았습니다.",
  ],
  end_sas_mismatch: [
    "The check numbers differ, so it was ended: somebody else may have stood between. Call support at the number you know.",
    "확인 번호가 서로 달라 끝냈습니다. 중간에 다른 사람이 있었을 수 있습니다. 알고 있는 번호로 고객지원에 전화해 주세요.",
  ],
  end_unverified: ["The check number was not compared in time.", "확인 번호를 제때 비교하지 않았습니다."],
  end_idle: ["Nothing happened for a while, so it was ended.", "한동안 아무 일도 없어 끝냈습니다."],
  end_lost: ["The connection broke and did not come back within 30 seconds.", "연결이 끊긴 뒤 30초 안에 돌아오지 않았습니다."],
  end_not_confirmed: ["Nobody confirmed that it should go on.", "계속하겠다는 확인이 없었습니다."],
  end_limit: ["The agreed time was over.", "정해진 시간이 끝났습니다."],
  end_revoked: ["The server ended it.", "서버가 끝냈습니다."],
  end_ticket_closed: ["Your ticket is no longer open, so it was ended.", "문의가 마무리되어 끝냈습니다."],
  end_ticket_moved: ["Your ticket went to another team, so it was ended.", "문의가 다른 팀으로 넘어가 끝냈습니다."],
  end_requester_changed: ["The ticket was given to somebody else, so it was ended.", "문의가 다른 분에게 넘어가 끝냈습니다."],
  end_requester_blocked: ["Support turned off screen sharing with you, so it was ended.", "지원팀에서 화면 공유를 막아 끝냈습니다."],
  end_protocol: ["Something was asked that you had not allowed, so it was ended.", "허용하지 않은 것이 요청되어 끝냈습니다."],
  end_child_failed: ["A part of the app stopped, so it was ended.", "앱의 일부가 멈춰 끝냈습니다."],
  end_capture_failed: ["The picture of the screen could not be taken, so it was ended.", "화면을 담을 수 없어 끝냈습니다."],
  end_bad_invitation: [
    "An invitation to share your screen was refused, because it is not a valid one of your support. Nobody saw anything. If somebody called you about it, hang up and call support at the number you know.",
    "고객지원의 올바른 초대가 아니어서 화면 공유 초대를 거절했습니다. 아무도 화면을 보지 못했습니다. 이 일로 전화를 받고 있다면 끊고, 알고 있는 번호로 고객지원에 전화해 주세요.",
  ],
  end_other: ["It was ended.", "끝났습니다."],
  scamWait: [["Please read. {n} second left.", "Please read. {n} seconds left."], "읽어 주세요. {n}초 남았습니다."],
  endsAfter: [["Ends after {n} minute at the latest.", "Ends after {n} minutes at the latest."], "늦어도 {n}분 뒤에 끝납니다."],
  endsIn: [
    ["Without an answer it ends in {n} second.", "Without an answer it ends in {n} seconds."],
    "답이 없으면 {n}초 뒤에 끝납니다.",
  ],
  pageTitle: ["Join a screen sharing session", "화면 공유 참여"],
  language: ["한국어", "English"],
  scam4: ["You choose what is shown. You can stop at any time.", "무엇을 보여 줄지 직접 고릅니다. 언제든지 멈출 수 있습니다."],
  key: ["Key of the organisation, as the server of this page names it: {mark}", "이 페이지의 서버가 알려 준 기관 키: {mark}"],
  notIncluded: [
    "NOT possible in this page: control, clipboard, files, recording. Pointing would be asked separately. Nothing can be covered up: what you choose is seen as it is.",
    "이 페이지에서는 제어, 클립보드, 파일, 녹화를 할 수 없습니다. 포인터 표시는 따로 묻습니다. 일부를 가릴 수 없으며, 고른 화면이 그대로 보입니다.",
  ],
  picker: [
    "Your browser asks next what to show. One window shows less than a whole screen.",
    "다음에 브라우저가 무엇을 보여 줄지 묻습니다. 창 하나만 고르면 화면 전체보다 적게 보입니다.",
  ],
  stopHow: [
    "You can stop at any time: the button here, the browser's own bar, or close this page.",
    "언제든지 멈출 수 있습니다. 이 페이지의 버튼이나 브라우저의 공유 막대를 누르거나 페이지를 닫으세요.",
  ],
  trust: [
    "The server of {organisation} delivers this page. So the check number protects against everybody but that server. The Companion app, installed once, does not have this limit.",
    "이 페이지는 {organisation}의 서버가 보냅니다. 그래서 확인 번호는 그 서버를 제외한 모두로부터 보호합니다. 한 번 설치하는 고객 앱에는 이 한계가 없습니다.",
  ],
  trustReceipt: [
    "The receipt says so too: it proves nothing against that server.",
    "동의 기록에도 그렇게 적혀 있습니다. 동의 기록은 그 서버에 대해서는 증거가 되지 않습니다.",
  ],
  loading: ["Checking the invitation…", "초대를 확인하는 중입니다…"],
  unsupported: [
    "This browser lacks what a safe session needs (Ed25519, X25519, sharing the screen or storage for this page). Nothing was shown. Use a current Chromium browser, or ask support for the Companion app.",
    "이 브라우저에는 안전한 공유에 필요한 기능(Ed25519, X25519, 화면 공유 또는 페이지 저장소)이 없습니다. 아무것도 보이지 않았습니다. 최신 Chromium 계열 브라우저를 쓰거나 고객지원에 고객 앱을 요청하세요.",
  ],
  unreachable: [
    "The server does not answer. Nothing was shown. Check the network and try again.",
    "서버가 응답하지 않습니다. 아무것도 보이지 않았습니다. 네트워크를 확인하고 다시 시도하세요.",
  ],
  pickerFailed: [
    "Nothing was chosen, so nothing is shown. You can try again or say no.",
    "아무것도 고르지 않아 보이는 것이 없습니다. 다시 시도하거나 거절할 수 있습니다.",
  ],
  pointerAllows: [
    "{name} can then show you places with a pointer and with drawings, in the small picture on this page. They press nothing and change nothing.",
    "허용하면 {name} 님이 이 페이지의 작은 화면 위에서 포인터와 그림으로 위치를 알려 줄 수 있습니다. 아무것도 누르거나 바꾸지 않습니다.",
  ],
  preview: ["What {name} sees", "{name} 님이 보는 화면"],
  previewSelf: ["Preview of what is shown", "보여 주는 화면 미리보기"],
  targetScreen: ["your whole screen", "화면 전체"],
  targetWindow: ["one window", "창 하나"],
  targetTab: ["one browser tab", "브라우저 탭 하나"],
  readAloud: [
    "{name} reads the number to you by phone. Numbers that come by mail or ticket do not count.",
    "{name} 님이 전화로 번호를 읽어 드립니다. 메일이나 문의로 받은 번호는 인정되지 않습니다.",
  ],
  idleSoon: ["Nothing has happened for a while. It ends in one minute.", "한동안 아무 일도 없었습니다. 1분 뒤에 끝납니다."],
  violation: [
    "Something was asked that is not allowed. It was not done, and it is on the record.",
    "허용되지 않은 요청이 있었습니다. 실행하지 않았으며 기록에 남았습니다.",
  ],
  factWith: ["With", "상담원"],
  factNumber: ["Check number", "확인 번호"],
  receiptComplete: ["The receipt is complete: support signed it too.", "동의 기록이 완성되었습니다. 고객지원도 서명했습니다."],
  receiptAlone: ["The receipt can be saved. Support has not signed it yet.", "동의 기록을 저장할 수 있습니다. 고객지원은 아직 서명하지 않았습니다."],
  share: ["What is shared", "공유 상태"],
  change: ["Show something else…", "다른 화면 보여 주기…"],
  changeFailed: ["Nothing else was chosen. What is shown stays as it was.", "다른 화면을 고르지 않았습니다. 보여 주는 화면은 그대로입니다."],
  chatAsk: ["{name} writes to you. Show it on this page?", "{name} 님이 글을 보냈습니다. 이 페이지에 보일까요?"],
  chatAllows: [
    "You then read each other's texts on this page. It gives no access to your computer. What is written is kept on the ticket.",
    "허용하면 이 페이지에서 서로의 글을 읽습니다. 컴퓨터에 접근할 수는 없습니다. 나눈 글은 문의에 남습니다.",
  ],
  chatYes: ["Show the chat", "채팅 보이기"],
  chatNo: ["Don't show it", "보이지 않기"],
  chatOpen: ["Write to {name}", "{name}에게 쓰기"],
  chatOpenMore: [["Show the chat ({n} text waits)", "Show the chat ({n} texts wait)"], "채팅 보이기 (기다리는 글 {n}개)"],
  chatClose: ["Close the chat", "채팅 닫기"],
  chatTitle: ["Chat with {name}", "{name} 님과 채팅"],
  chatField: ["Text to {name}", "{name}에게 보낼 글"],
  chatSend: ["Send", "보내기"],
  chatEmpty: [
    "Nothing was written yet. Enter sends, Shift+Enter begins a new line.",
    "아직 쓴 글이 없습니다. Enter를 누르면 보내고, Shift+Enter를 누르면 줄을 바꿉니다.",
  ],
  chatWaits: ["not there yet", "아직 전달되지 않음"],
  chatLost: [
    "The connection broke. What you write is sent when it is back.",
    "연결이 끊겼습니다. 쓴 글은 다시 연결되면 전송됩니다.",
  ],
  chatPaused: ["Paused. What you write is sent when it goes on.", "일시 중지되었습니다. 쓴 글은 다시 시작되면 전송됩니다."],
  you: ["You", "나"],
  charsLeft: [["{n} character left", "{n} characters left"], "{n}자 남음"],
  charsOver: [["{n} character too long", "{n} characters too long"], "{n}자 초과"],
  close: ["You can close this page now.", "이제 이 페이지를 닫아도 됩니다."],
};

let korean = false;

export const isKorean = () => korean;
// A person's name as sentences use it: with 님 in Korean, never twice.
export const polite = (name) => (korean && !name.endsWith("님") ? `${name} 님` : name);
export const hasWords = (key) => Object.hasOwn(WORDS, key);
export function speak(inKorean) {
  korean = inKorean;
}

// Returns the words, with what stands in braces filled in.
export function say(key, values = {}) {
  const [english, inKorean] = WORDS[key];
  const chosen = Array.isArray(english) ? english[values.n === 1 ? 0 : 1] : english;
  return (korean ? inKorean : chosen).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}
