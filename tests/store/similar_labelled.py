# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests of one customer, labelled by hand: the same matter in other words, or a matter that only sounds like it.

No threshold was chosen by these. Whoever changes one for their sake needs a new set (decision 0123).
"""

from __future__ import annotations

__all__ = ["DIFFERENT", "SAME"]

# (subject, first message, how it is asked again)
SAME = (
    ("공유기 연결 끊김", "회의실에서 와이파이가 자꾸 끊깁니다", "무선 인터넷이 회의실에서만 계속 끊어져요"),
    ("주문 취소 요청", "어제 넣은 주문을 취소하고 싶습니다", "주문한 것 취소 가능한가요? 어제 했습니다"),
    ("영수증 필요", "지난달 결제 영수증을 메일로 보내 주세요", "지난달 결제한 영수증 메일로 받을 수 있을까요"),
    ("로그인 반복", "로그인하면 다시 로그인 화면으로 돌아갑니다", "로그인을 해도 자꾸 처음 화면으로 튕겨요"),
    ("알림이 안 옴", "휴대폰에 알림이 오지 않습니다", "폰으로 오던 푸시가 며칠째 안 와요"),
    ("오류 코드 0x80070005", "설치 중 0x80070005가 나옵니다", "설치하다가 0x80070005 뜨면서 실패합니다"),
    ("화면 공유 끊김", "화면 공유 중에 소리가 안 들립니다", "공유할 때 상대 소리가 전혀 안 나요"),
    ("환불이 늦어요", "환불 신청한 지 열흘인데 입금이 없습니다", "환불 입금 언제 되나요, 신청한 지 열흘 넘었습니다"),
    ("계정 삭제", "퇴사한 직원의 계정을 지워 주세요", "그만둔 직원 아이디 삭제 부탁드려요"),
    ("파일 올리기 실패", "10MB가 넘는 파일이 올라가지 않습니다", "큰 파일 업로드하면 실패합니다. 10MB 정도예요"),
    ("Cannot export report", "Exporting the monthly report gives an empty file", "monthly report export is empty"),
    ("Password expired", "My password expired and I cannot set a new one", "can't change my expired password"),
    ("Slow dashboard", "The dashboard takes a minute to load", "loading the dashboard is very slow since Monday"),
    ("Calendar sync", "Events do not sync with my phone calendar", "phone calendar shows none of my events"),
    ("Battery drains", "Laptop battery is empty after two hours", "my laptop only lasts two hours on battery"),
    ("Double charge", "We were charged twice in May", "there are two charges for May on our card"),
)  # fmt: skip
# (subject, first message, what is asked about another matter)
DIFFERENT = (
    ("주문 취소 요청", "어제 넣은 주문을 취소하고 싶습니다", "어제 넣은 주문의 배송지를 바꾸고 싶습니다"),
    ("영수증 필요", "지난달 결제 영수증을 메일로 보내 주세요", "결제 카드를 다른 카드로 바꾸려고 합니다"),
    ("로그인 반복", "로그인하면 다시 로그인 화면으로 돌아갑니다", "로그인 기록을 내려받고 싶습니다"),
    ("알림이 안 옴", "휴대폰에 알림이 오지 않습니다", "휴대폰 번호가 바뀌었습니다"),
    ("계정 삭제", "퇴사한 직원의 계정을 지워 주세요", "새 직원의 계정을 만들어 주세요"),
    ("파일 올리기 실패", "10MB가 넘는 파일이 올라가지 않습니다", "파일 이름을 바꿀 수 있나요"),
    ("환불이 늦어요", "환불 신청한 지 열흘인데 입금이 없습니다", "입금 계좌 번호를 알려 주세요"),
    ("화면 공유 끊김", "화면 공유 중에 소리가 안 들립니다", "화면 글자가 너무 작습니다"),
    ("Cannot export report", "Exporting the monthly report gives an empty file", "who can see the monthly report"),
    ("Password expired", "My password expired and I cannot set a new one", "how long must a new password be"),
    ("Calendar sync", "Events do not sync with my phone calendar", "please change the phone number of our office"),
    ("Double charge", "We were charged twice in May", "please send the contract that ends in May"),
)  # fmt: skip
