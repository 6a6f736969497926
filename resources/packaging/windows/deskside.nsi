; SPDX-License-Identifier: GPL-3.0-or-later
; The installer for one person or one computer. Compiled by `python -m resources.packaging.windows.build`, which defines
; VERSION (a.b.c), EPOCH_YEAR, PAYLOAD (the frozen program), ICON, OUT, SIZE_KIB and, with a signing hook, SIGN_UNINSTALLER.
; Exit codes: 0 done, 1 cancelled, 2 refused or failed. Switches: docs/installing.md.
Unicode true
Target amd64-unicode
SetCompressor /SOLID lzma
ManifestDPIAware true
ManifestLongPathAware true

!define NAME "Deskside"
!define COMPANY "The Deskside developers"
!define OURS "Software\Deskside"
!define ENTRY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Deskside"

!define MULTIUSER_EXECUTIONLEVEL Highest
!define MULTIUSER_MUI
!define MULTIUSER_INSTALLMODE_COMMANDLINE
!define MULTIUSER_USE_PROGRAMFILES64
!define MULTIUSER_INSTALLMODE_INSTDIR "${NAME}"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_KEY "${OURS}"
!define MULTIUSER_INSTALLMODE_DEFAULT_REGISTRY_VALUENAME "Folder"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_KEY "${OURS}"
!define MULTIUSER_INSTALLMODE_INSTDIR_REGISTRY_VALUENAME "Folder"
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!include MultiUser.nsh
!include MUI2.nsh
!include FileFunc.nsh
!include WordFunc.nsh
!include LogicLib.nsh
!include x64.nsh

Name "${NAME}"
OutFile "${OUT}"
BrandingText "${NAME} ${VERSION}"
ShowInstDetails nevershow
ShowUninstDetails nevershow
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "${NAME}"
VIAddVersionKey "CompanyName" "${COMPANY}"
VIAddVersionKey "FileDescription" "${NAME} setup"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "LegalCopyright" "${EPOCH_YEAR} ${COMPANY}, GPL-3.0-or-later"
!ifdef SIGN_UNINSTALLER
!uninstfinalize '"${SIGN_UNINSTALLER}" "%1"'
!endif

!insertmacro MULTIUSER_PAGE_INSTALLMODE
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"
; NSIS has no Korean of its own for these
!define MULTIUSER_TEXT_INSTALLMODE_TITLE "사용자 선택"
!define MULTIUSER_TEXT_INSTALLMODE_SUBTITLE "어느 사용자를 위해 $(^NameDA)을(를) 설치할지 선택해 주세요."
!define MULTIUSER_INNERTEXT_INSTALLMODE_TOP "나만 사용할지, 이 컴퓨터의 모든 사용자가 사용할지 선택해 주세요. $(^ClickNext)"
!define MULTIUSER_INNERTEXT_INSTALLMODE_ALLUSERS "이 컴퓨터의 모든 사용자"
!define MULTIUSER_INNERTEXT_INSTALLMODE_CURRENTUSER "나만 사용"
!insertmacro MUI_LANGUAGE "Korean"

LangString OTHER ${LANG_ENGLISH} "Deskside was installed on this computer by your administrator (MSI). Nothing was changed."
LangString OTHER ${LANG_KOREAN} "이 컴퓨터에는 관리자가 Deskside를 설치했습니다(MSI). 아무것도 바꾸지 않았습니다."
LangString NEWER ${LANG_ENGLISH} "A newer Deskside is installed. Nothing was changed. With /DOWNGRADE=1 the older one takes its place."
LangString NEWER ${LANG_KOREAN} "더 새로운 Deskside가 설치되어 있습니다. 아무것도 바꾸지 않았습니다. /DOWNGRADE=1을 붙이면 이전 버전으로 바꿉니다."
LangString OPEN ${LANG_ENGLISH} "Deskside is open. Close it and start the setup again. Nothing was changed."
LangString OPEN ${LANG_KOREAN} "Deskside가 열려 있습니다. 닫고 설치를 다시 시작해 주세요. 아무것도 바꾸지 않았습니다."
LangString ONLY64 ${LANG_ENGLISH} "Deskside needs 64-bit Windows."
LangString ONLY64 ${LANG_KOREAN} "Deskside에는 64비트 Windows가 필요합니다."
LangString KEPT ${LANG_ENGLISH} "What you have in Deskside stays in $LOCALAPPDATA\deskside. To remove that too: deskside-cli data remove, before this."
LangString KEPT ${LANG_KOREAN} "Deskside의 내 자료는 $LOCALAPPDATA\deskside에 남습니다. 함께 지우려면 먼저 deskside-cli data remove를 실행해 주세요."

!macro Refuse TEXT
    MessageBox MB_OK|MB_ICONSTOP "${TEXT}" /SD IDOK
    SetErrorLevel 2
    Quit
!macroend

; a program file that is in use cannot be opened for writing
!macro RefuseWhileOpen FILE
    ${If} ${FileExists} "${FILE}"
        ClearErrors
        FileOpen $R0 "${FILE}" a
        ${If} ${Errors}
            !insertmacro Refuse "$(OPEN)"
        ${EndIf}
        FileClose $R0
    ${EndIf}
!macroend

Function .onInit
    ${IfNot} ${RunningX64}
        !insertmacro Refuse "$(ONLY64)"
    ${EndIf}
    SetRegView 64
    !insertmacro MULTIUSER_INIT
    ReadRegStr $R1 HKLM "${OURS}" "InstalledBy"
    ${If} $R1 == "msi"
        !insertmacro Refuse "$(OTHER)"
    ${EndIf}
    ${GetParameters} $R2
    ReadRegStr $R1 SHCTX "${ENTRY}" "DisplayVersion"
    ${If} $R1 != ""
        ${GetOptions} $R2 "/DOWNGRADE=" $R3
        ${VersionCompare} "$R1" "${VERSION}" $R4
        ${If} $R4 == 1
        ${AndIf} $R3 != "1"
            !insertmacro Refuse "$(NEWER)"
        ${EndIf}
    ${EndIf}
    !insertmacro RefuseWhileOpen "$INSTDIR\deskside.exe"
    !insertmacro RefuseWhileOpen "$INSTDIR\deskside-companion.exe"
FunctionEnd

Function un.onInit
    SetRegView 64
    !insertmacro MULTIUSER_UNINIT
    !insertmacro RefuseWhileOpen "$INSTDIR\deskside.exe"
    !insertmacro RefuseWhileOpen "$INSTDIR\deskside-companion.exe"
FunctionEnd

; a switch that is there once more keeps what an earlier installation was told
!macro Preset SWITCH LEVEL KEY
    ClearErrors
    ${GetOptions} $R2 "/${SWITCH}=" $R3
    ${IfNot} ${Errors}
        WriteRegStr SHCTX "${OURS}\${LEVEL}" "${KEY}" "$R3"
    ${EndIf}
!macroend

Section "Deskside" Common
    SectionIn RO
    SetRegView 64
    RMDir /r "$INSTDIR\_internal"
    SetOutPath "$INSTDIR"
    File /r "${PAYLOAD}\_internal"
    File "${PAYLOAD}\deskside-cli.exe"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr SHCTX "${OURS}" "InstalledBy" "nsis"
    WriteRegStr SHCTX "${OURS}" "Folder" "$INSTDIR"
    WriteRegStr SHCTX "Software\Classes\deskside" "" "URL:Deskside"
    WriteRegStr SHCTX "Software\Classes\deskside" "URL Protocol" ""
    WriteRegStr SHCTX "Software\Classes\deskside\shell\open\command" "" '"$INSTDIR\deskside-cli.exe" open "%1"'
    WriteRegStr SHCTX "${ENTRY}" "DisplayName" "${NAME}"
    WriteRegStr SHCTX "${ENTRY}" "DisplayVersion" "${VERSION}"
    WriteRegStr SHCTX "${ENTRY}" "Publisher" "${COMPANY}"
    WriteRegStr SHCTX "${ENTRY}" "DisplayIcon" "$INSTDIR\deskside-cli.exe"
    WriteRegStr SHCTX "${ENTRY}" "InstallLocation" "$INSTDIR"
    WriteRegStr SHCTX "${ENTRY}" "UninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode'
    WriteRegStr SHCTX "${ENTRY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /$MultiUser.InstallMode /S'
    WriteRegDWORD SHCTX "${ENTRY}" "EstimatedSize" ${SIZE_KIB}
    WriteRegDWORD SHCTX "${ENTRY}" "NoModify" 1
    WriteRegDWORD SHCTX "${ENTRY}" "NoRepair" 1
    ${GetParameters} $R2
    !insertmacro Preset "SERVERURL" "Recommended" "server.url"
    ${If} $MultiUser.InstallMode == "AllUsers" ; nobody manages a computer from a person's own part of the registry
        ClearErrors
        ${GetOptions} $R2 "/ORGKEY=" $R3
        ${IfNot} ${Errors}
            WriteRegStr HKLM "${OURS}\Managed" "enrolment.key" "$R3"
            !insertmacro Preset "SERVERURL" "Managed" "enrolment.server"
        ${EndIf}
        ${GetOptions} $R2 "/COMPANION_AT_SIGN_IN=" $R3
        ${If} $R3 == "1"
            WriteRegDWORD HKLM "${OURS}\Managed" "companion.at_sign_in" 1
        ${EndIf}
        ${GetOptions} $R2 "/DISABLE_AUTO_UPDATES=" $R3
        ${If} $R3 == "1"
            WriteRegStr HKLM "${OURS}\Managed" "updates.mode" "off"
        ${EndIf}
    ${EndIf}
SectionEnd

Section "Help desk" HelpDesk
    SetOutPath "$INSTDIR"
    File "${PAYLOAD}\deskside.exe"
    CreateShortcut "$SMPROGRAMS\Deskside.lnk" "$INSTDIR\deskside.exe"
SectionEnd

Section "Companion" Companion
    SetOutPath "$INSTDIR"
    File "${PAYLOAD}\deskside-companion.exe"
    CreateShortcut "$SMPROGRAMS\Deskside Companion.lnk" "$INSTDIR\deskside-companion.exe"
    ; the program itself asks the policy companion.at_sign_in, and ends at once where it is not set
    WriteRegStr SHCTX "Software\Microsoft\Windows\CurrentVersion\Run" "Deskside Companion" '"$INSTDIR\deskside-companion.exe" --at-sign-in'
SectionEnd

Section "Uninstall"
    SetRegView 64
    RMDir /r "$INSTDIR\_internal"
    Delete "$INSTDIR\deskside.exe"
    Delete "$INSTDIR\deskside-cli.exe"
    Delete "$INSTDIR\deskside-companion.exe"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR" ; only if nothing of anybody's is in it
    Delete "$SMPROGRAMS\Deskside.lnk"
    Delete "$SMPROGRAMS\Deskside Companion.lnk"
    DeleteRegValue SHCTX "Software\Microsoft\Windows\CurrentVersion\Run" "Deskside Companion"
    DeleteRegKey SHCTX "Software\Classes\deskside"
    DeleteRegKey SHCTX "${OURS}"
    DeleteRegKey SHCTX "${ENTRY}"
    MessageBox MB_OK "$(KEPT)" /SD IDOK
SectionEnd
