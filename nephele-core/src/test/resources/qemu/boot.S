# A guest in one boot sector: it keeps 128 pages changing and checks them, and prints a line a round
# on the serial port, so that a test sees whether it went on where it was. Build:
#   as --32 -o boot.o boot.S && ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o boot.bin boot.o
# Each round r writes r + segment to byte 16 of each page, after checking that the last round's value
# is there. It prints r as 8 hex digits, or "!" and stops when a page is wrong.
        .code16
        .globl _start
_start: cli
        xor     %ax, %ax
        mov     %ax, %ds
        mov     %ax, %ss
        mov     $0x7c00, %sp
        xor     %ebp, %ebp              # the round
round:  mov     $0x1000, %bx            # segment of the first page
page:   mov     %bx, %es
        movzwl  %bx, %edx
        add     %ebp, %edx
        test    %ebp, %ebp
        jz      store
        mov     %es:16, %ecx
        inc     %ecx
        cmp     %edx, %ecx
        jne     wrong
store:  mov     %edx, %es:16
        add     $0x100, %bx             # 4096 bytes
        cmp     $0x9000, %bx
        jb      page
        mov     %ebp, %edx
        mov     $8, %cx
digit:  rol     $4, %edx
        mov     %dl, %al
        and     $15, %al
        add     $'0', %al
        cmp     $'9', %al
        jbe     1f
        add     $('a' - '9' - 1), %al
1:      call    putc
        loop    digit
        mov     $'\n', %al
        call    putc
        inc     %ebp
        mov     $2000000, %ecx          # some milliseconds under TCG
2:      dec     %ecx
        jnz     2b
        jmp     round
wrong:  mov     $'!', %al
        call    putc
3:      hlt
        jmp     3b
putc:   push    %dx
        push    %ax
        mov     $0x3fd, %dx
4:      in      %dx, %al
        test    $0x20, %al
        jz      4b
        pop     %ax
        mov     $0x3f8, %dx
        out     %al, %dx
        pop     %dx
        ret
        .org    510
        .word   0xaa55
