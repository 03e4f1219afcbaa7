# The guest of Tare's lab: a boot sector, 512 bytes, that fills memory and goes on writing to it at a set pace.
#
#     as --32 guest.S -o guest.o && ld -m elf_i386 -Ttext 0x6e00 --oformat binary guest.o -o guest.bin
#
# Theory of operation. The BIOS loads the sector to 0x7c00 and starts it in real mode. It moves to 0x6e00, changes to protected
# mode with flat segments, fills pages from 1 MiB on, and then sleeps; the interval timer wakes it 100 times a second. Each time it
# reads the ACPI timer, writes as many pages as are due since the last time, reads some pages back, and once a second
# reports on the serial port, all modulo 2^32 and in hexadecimal:
#
#     t=SECONDS w=WRITES v=VERIFIED e=ERRORS
#
# Time is the ACPI timer's: interrupts get lost when QEMU has little processor time, and the guest would write less than
# it should. The clock stands still while the guest is stopped and goes on where it stood at the other end of a migration.
#
# All this is to cost an emulated processor little. Waking up is what costs most. Where QEMU translates instructions, each write to a
# page that holds some is looked into: so the variables, which begin where the sector ends, and the stack are not on its page.
#
# A page that was filled holds its number in every dword up to 64 bytes before its end, where the planted text stands. A write
# increments dword 1 and nothing else: dword 0 and the last one before the text prove that the page is whole.

.intel_syntax noprefix

.set BASE, 0x100000
.set PM_TIMER, 0x608            # where SeaBIOS puts it: 24 bits, 3579545 a second
.set SECOND, 3579545 << 8
.set VERIFIED_A_TICK, 8
.set TIMER_DIVISOR, 11932      # of 1193182 Hz

# Relative to `middle`. Parameters are in the sector itself and patched in; guest-sector.ts knows these places.
.set FILL_PAGES, 0
.set WORKING_PAGES, 4
.set HOT_PAGES, 8
.set PACE, 12                   # pages for each 1/256 tick of the ACPI timer, times 2^32
.set RANDOM, 16
.set ZERO_SHARE, 20             # of 256 pages, how many the filling leaves zero
.set HOT_WRITES, 21             # of 256 writes, how many go to the first HOT_PAGES; the others go anywhere
.set ORDER, 22                  # 0: one page after the other, over and over
.set TEXT, 24
# Variables follow the sector, in memory that nobody has used: zero.
.set LAST, 92
.set ELAPSED, 96
.set FRACTION, 100
.set POSITION, 104
.set WRITES, 108
.set VERIFIED, 112
.set ERRORS, 116
.set SECONDS, 120

.code16
.globl _start
_start:
    cli
    xor ax, ax
    mov ds, ax
    mov es, ax
    mov si, 0x7c00
    mov di, offset _start
    mov cx, 256
    rep movsw
    mov sp, 0x7c00 + protected - _start     # what ran until here is overwritten, and its page then holds no instructions
    lgdt [gdt_descriptor]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .att_syntax
    ljmpl $8, $protected
    .intel_syntax noprefix

.code32
protected:
    mov al, 16                  # ah: bits of cr0 that are always zero
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov ebp, offset middle

    # The interrupt controllers are as the firmware left them, from 8 on; all but the timer's are masked
    lidt [idt_descriptor]
    mov al, 0xfe
    out 0x21, al
    mov al, 0x34
    out 0x43, al
    mov al, TIMER_DIVISOR & 255
    out 0x40, al
    mov al, TIMER_DIVISOR >> 8
    out 0x40, al

    xor ecx, ecx
    xor ebx, ebx
fill:
    cmp ebx, [ebp + FILL_PAGES]
    jae filled
    call page_address
    je 2f
    mov eax, ebx
    mov cx, 1008
    rep stosd
    lea esi, [ebp + TEXT]
    mov cl, 16
    rep movsd
2:  inc ebx
    jmp fill

filled:
    mov dx, PM_TIMER
    in eax, dx
    mov [ebp + LAST], eax
    sti

next_tick:
    hlt
    mov dx, PM_TIMER
    in eax, dx
    mov ecx, eax
    sub eax, [ebp + LAST]
    mov [ebp + LAST], ecx
    shl eax, 8                  # the timer has 24 bits: the shift makes up for its turning over
    add [ebp + ELAPSED], eax
    mul dword ptr [ebp + PACE]
    add [ebp + FRACTION], eax
    adc edx, 0
    mov ecx, edx
    jecxz verify

write:
    push ecx
    mov ecx, [ebp + WORKING_PAGES]
    cmp byte ptr [ebp + ORDER], 0
    jne 3f
    mov eax, [ebp + POSITION]
    inc dword ptr [ebp + POSITION]
    xor edx, edx
    div ecx
    jmp 5f
3:  imul eax, [ebp + RANDOM], 1664525
    add eax, 1013904223
    mov [ebp + RANDOM], eax
    cmp ah, byte ptr [ebp + HOT_WRITES]
    jae 4f
    mov ecx, [ebp + HOT_PAGES]
4:  mul ecx                     # the page by the highest bits, hot or not by others: neither tells of the other
5:  shl edx, 12
    inc dword ptr [edx + BASE + 4]
    inc dword ptr [ebp + WRITES]
    pop ecx
    loop write

verify:
    mov cl, VERIFIED_A_TICK
6:  mov eax, [ebp + VERIFIED]
    xor edx, edx
    div dword ptr [ebp + FILL_PAGES]
    mov ebx, edx
    call page_address
    je 8f
    cmp [edi], ebx
    jne 7f
    cmp [edi + 4028], ebx
    je 8f
7:  inc dword ptr [ebp + ERRORS]
8:  inc dword ptr [ebp + VERIFIED]
    loop 6b

    mov eax, SECOND
    cmp [ebp + ELAPSED], eax
    jb 11f
    sub [ebp + ELAPSED], eax
    inc dword ptr [ebp + SECONDS]
    mov esi, offset report
9:  lodsb
    call put
    cmp al, 10
    je 11f
    cmp al, '='
    jne 9b
    lodsb
    movzx ebx, al
    mov ebx, [ebp + ebx]
    mov cl, 8
10: rol ebx, 4
    mov al, bl
    and al, 15
    cmp al, 10                  # a digit of 0..15 as a character, in three instructions
    sbb al, 0x69
    das
    call put
    loop 10b
    jmp 9b
11: jmp next_tick

put:
    mov dx, 0x3f8
    out dx, al
    ret

# edi: address of page ebx. Zero flag: the filling leaves it zero.
page_address:
    lea edi, [ebx + (BASE >> 12)]
    shl edi, 12
    imul eax, ebx, 2654435761
    shr eax, 24
    cmp al, byte ptr [ebp + ZERO_SHARE]
    sbb eax, eax
    inc eax
    ret

timer:
    push eax
    mov al, 0x20
    out 0x20, al
    pop eax
    iret

report:
    .ascii "t="
    .byte SECONDS
    .ascii " w="
    .byte WRITES
    .ascii " v="
    .byte VERIFIED
    .ascii " e="
    .byte ERRORS
    .byte 10

gdt:                            # the null entry is never read and holds the table's own descriptor
gdt_descriptor:
    .word 23
    .long gdt
    .word 0
    .quad 0x00cf9a000000ffff
    .quad 0x00cf92000000ffff
idt_descriptor:
    .word 9 * 8 - 1
    .long timer_gate - 8 * 8
timer_gate:                     # the only entry of the table that is ever used
    .word timer - _start + 0x6e00, 8, 0x8e00, 0

.org 510 - 88
middle:
    .long 1, 1, 1, 0, 1
    .byte 0, 0, 0, 0
    .fill 64
    .word 0xaa55
