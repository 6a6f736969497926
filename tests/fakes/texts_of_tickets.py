# SPDX-License-Identifier: GPL-3.0-or-later
"""A few dozen invented tickets, Korean and English, that the fakes deal out again and again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Case:
    """A subject with its first messages."""

    subject: str
    first: str
    answer: str
    again: str
    note: str


CUSTOMERS: tuple[tuple[str, str, str], ...] = (
    ("박민수", "한빛상사(가상)", "ko"),
    ("정하윤", "서울정밀(가상)", "ko"),
    ("Olivia Turner", "Northwind Fictional Ltd", "en"),
    ("이서준", "푸른디자인(가상)", "ko"),
    ("최유진", "가온의원(가상)", "ko"),
    ("Daniel Reyes", "Reyes & Co Fictional", "en"),
    ("강도윤", "한울건설(가상)", "ko"),
    ("윤서아", "다온학원(가상)", "ko"),
    ("임지호", "새봄약국(가상)", "ko"),
    ("Hannah Schulz", "Schulz Fictional GmbH", "en"),
    ("오세훈희", "모아물류(가상)", "ko"),
    ("한지민서", "라온세무(가상)", "ko"),
)
AGENTS: tuple[str, ...] = ("김지우", "이지은", "최현우", "Morgan Lee", "서다은")
TAGS: tuple[str, ...] = ("프린터", "결제", "펌웨어", "VIP", "network", "반품", "설치", "licence")

CASES: tuple[Case, ...] = (
    Case(
        "2페이지를 인쇄하면 프린터가 멈춥니다",
        "안녕하세요. PX-200으로 여러 장을 인쇄하면 두 번째 장에서 항상 멈춥니다.\n\n"
        "화면에는 E-1042라고 나오고, 전원을 껐다 켜면 한 장은 다시 나옵니다. "
        "오늘 오후에 거래처로 보낼 서류가 있어서 급합니다.",
        "박민수 님, 불편을 드려 죄송합니다.\n\nE-1042는 급지 센서가 용지를 감지하지 못할 때 나옵니다. "
        "뒤쪽 덮개를 열어 남은 종이 조각이 있는지 확인해 주시겠어요?",
        "확인해 보니 조각은 없습니다. 덮개를 닫고 다시 해 봐도 같은 곳에서 멈춥니다.",
        "펌웨어 2.4.1에서 알려진 문제일 수 있음. 2.4.3으로 올리면 해결된다는 보고가 3건 있었음.",
    ),
    Case(
        "간편결제가 승인되지 않습니다",
        "어제부터 고객이 간편결제를 누르면 '승인 대기'에서 넘어가지 않습니다. 카드 결제는 정상입니다.",
        "결제 대행사 쪽 응답이 늦는 것으로 보입니다. 주문 번호를 하나 알려 주시면 기록을 확인하겠습니다.",
        "주문 번호는 20260331-0187입니다. 오늘만 다섯 건이 실패했습니다.",
        "대행사 상태 페이지에는 아직 공지 없음. 14시까지 답이 없으면 전화하기로 함.",
    ),
    Case(
        "Invoice was charged twice in March",
        "Hi,\n\nour March invoice (INV-20331) was charged twice to the same card. Could you please refund one of the "
        "two payments and confirm which one stays?",
        "Thank you for writing. I can see both payments, made 40 seconds apart. I have asked billing to return the "
        "second one; it usually takes three working days.",
        "Thanks. Will the refund show the same invoice number?",
        "Second charge came from the retry job. Refund needs approval of a lead above 200,000 KRW.",
    ),
    Case(
        "새 노트북에 프로그램을 설치할 수 없습니다",
        "직원 노트북을 새로 바꿨는데 설치 중 '권한이 없습니다'라고 나옵니다. 관리자 계정으로 실행해도 같습니다.",
        "설치 파일을 마우스 오른쪽 단추로 눌러 '관리자 권한으로 실행'을 골라 주세요. 백신 프로그램 이름도 알려 주세요.",
        "백신은 기본으로 들어 있는 것을 씁니다. 다시 해 봐도 같은 글이 나옵니다.",
        "정책으로 막힌 PC일 가능성. 원격으로 함께 보는 것이 빠름.",
    ),
    Case(
        "VPN drops every few minutes when working from home",
        "The VPN connection drops every five to ten minutes since the update last week. Everybody in our Leeds office "
        "sees the same. Wired and wireless make no difference.",
        "Thanks for the details. Please send the log from Help > Save log right after a drop, and tell me which "
        "version the About window shows.",
        "Log attached, version 7.2.0. It dropped twice while I was writing this.",
        "7.2.0 renegotiates every 300 s. Fixed in 7.2.1, not released yet.",
    ),
    Case(
        "영수증에 상호가 잘못 나옵니다",
        "상호를 바꾸고 설정도 고쳤는데 영수증에는 아직 옛 상호가 찍힙니다. 세무서에 내야 해서 오늘 안에 고쳐야 합니다.",
        "설정 화면의 '사업장 정보'와 '영수증 머리글'은 따로 저장됩니다. 머리글도 함께 바꿔 주세요.",
        "머리글을 찾을 수가 없습니다. 어디에 있나요?",
        "화면 구성이 바뀐 뒤 같은 문의가 늘었음. 도움말에 그림을 넣자고 제안함.",
    ),
    Case(
        "일련번호를 등록했는데 보증 기간이 보이지 않습니다",
        "제품을 등록했는데 보증 기간 칸이 비어 있습니다. 구입일은 지난달 2일입니다.",
        "등록은 확인했습니다. 구입 증빙이 아직 연결되지 않아 기간이 비어 있습니다. "
        "영수증 사진을 보내 주시면 바로 처리하겠습니다.",
        "사진을 첨부했습니다.",
        "영수증 확인함. 2027-03-31까지로 등록하면 됨.",
    ),
    Case(
        "화면 글자가 너무 작아요",
        "부모님이 쓰시는데 글자가 작아서 보기 어렵다고 하십니다. 크게 하는 방법이 있을까요?",
        "설정에서 '글자 크기'를 150%로 올릴 수 있습니다. 바로 적용되고 프로그램을 다시 켜지 않아도 됩니다.",
        "네, 됩니다. 감사합니다!",
        "해결된 듯. 하루 뒤에 확인하고 닫기.",
    ),
    Case(
        "스캔한 파일이 메일로 오지 않습니다",
        "스캔하면 '보냈습니다'라고 나오는데 메일이 오지 않습니다. 스팸함에도 없습니다.",
        "보내는 서버의 암호가 만료되었을 수 있습니다. "
        "기기 화면에서 '네트워크 > 메일 서버 확인'을 눌러 결과를 알려 주세요.",
        "'인증 실패'라고 나옵니다.",
        "비밀번호 바꾼 뒤 기기에는 옛 값이 남은 것으로 보임.",
    ),
    Case(
        "Licence key is not accepted after reinstall",
        'I reinstalled the program on the same computer and now the licence key is refused as "already in use".',
        "The key is still tied to the previous installation. I have released it; please enter it once more.",
        "That worked, thank you for the quick help.",
        "Released activation 2 of 3.",
    ),
)  # fmt: skip
